"""Writes the Trace Event Format, the JSON that Perfetto's page and chrome://tracing open.

Source: "Trace Event Format" of the Chromium project. Times in the file are microseconds since ``zero_ns``, in which
JSON's numbers are exact to a nanosecond for years.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Args = Mapping[str, Any]
_NONE: Args = {}


class TraceEvents:
    """Collects events. Tracks are made by name as they are used; a process groups tracks.

    Slices on one track of the format must nest. Where two of ours overlap (frame after frame waits at the same
    place) the later one goes to a second lane of its track.
    """

    def __init__(self, zero_ns: int) -> None:
        self._zero_ns = zero_ns
        self._events: list[dict[str, Any]] = []
        self._processes: dict[str, int] = {}
        self._tracks: dict[tuple[str, str], int] = {}
        self._lane_ends: dict[tuple[str, str], list[int]] = {}

    def declare(self, process: str, *tracks: str) -> None:
        """Give a process and its tracks their place on the page: the order of declaration."""
        for track in tracks:
            self._track(process, track)

    def slice(
        self, process: str, track: str, name: str, begin_ns: int, end_ns: int, args: Args = _NONE
    ) -> tuple[int, int]:
        """Something that took time; returns the (pid, tid) that it was drawn on, for :meth:`flow`."""
        pid, tid = self._lane(process, track, begin_ns, max(begin_ns, end_ns))
        duration_us = max(end_ns - begin_ns, 0) / 1e3
        self._add("X", pid, tid, begin_ns, name=name, cat=track, dur=duration_us, args=dict(args))
        return pid, tid

    def instant(self, process: str, track: str, name: str, at_ns: int, args: Args = _NONE) -> None:
        """A moment, drawn as an arrow on its track."""
        pid, tid = self._track(process, track)
        self._add("i", pid, tid, at_ns, name=name, cat=track, s="t", args=dict(args))

    def counter(self, process: str, name: str, at_ns: int, values: Mapping[str, float]) -> None:
        """One sample of a curve, or of several that are stacked."""
        self._add("C", self._process(process), 0, at_ns, name=name, cat="counter", args=dict(values))

    def flow(self, number: int, name: str, stops: list[tuple[tuple[int, int], int]]) -> None:
        """An arrow through slices: each stop is (pid, tid) and a moment within the slice there."""
        if len(stops) < 2:
            return
        for place, ((pid, tid), at_ns) in enumerate(stops):
            phase = "s" if place == 0 else "f" if place == len(stops) - 1 else "t"
            more = {"bp": "e"} if phase == "f" else {}
            self._add(phase, pid, tid, at_ns, name=name, cat="flow", id=number, **more)

    def document(self, facts: Args) -> dict[str, Any]:
        """The whole file; ``facts`` go into its metadata."""
        ordered = sorted(self._events, key=lambda event: (event["ts"], _RANK.get(event["ph"], 1)))
        return {
            "traceEvents": [*self._names(), *ordered],
            "displayTimeUnit": "ms",
            "otherData": {key: str(value) for key, value in facts.items()} | {"zero_ns": str(self._zero_ns)},
        }

    def _names(self) -> list[dict[str, Any]]:
        """Metadata events: what processes and tracks are called, and in which order they stand."""
        rows: list[tuple[str, int, int, Args]] = []
        for order, (process, pid) in enumerate(self._processes.items()):
            rows.append(("process_name", pid, 0, {"name": process}))
            rows.append(("process_sort_index", pid, 0, {"sort_index": order}))
        for (process, track), tid in self._tracks.items():
            rows.append(("thread_name", self._processes[process], tid, {"name": track}))
            rows.append(("thread_sort_index", self._processes[process], tid, {"sort_index": tid}))
        return [
            {
                "ph": "M",
                "name": name,
                "cat": "__metadata",
                "pid": pid,
                "tid": tid,
                "ts": 0,
                "args": dict(args),
            }
            for name, pid, tid, args in rows
        ]

    def _add(self, phase: str, pid: int, tid: int, at_ns: int, **more: Any) -> None:
        ts_us = (at_ns - self._zero_ns) / 1e3
        self._events.append({"ph": phase, "pid": pid, "tid": tid, "ts": ts_us, **more})

    def _process(self, process: str) -> int:
        return self._processes.setdefault(process, len(self._processes) + 1)

    def _track(self, process: str, track: str) -> tuple[int, int]:
        pid = self._process(process)
        return pid, self._tracks.setdefault((process, track), len(self._tracks) + 1)

    def _lane(self, process: str, track: str, begin_ns: int, end_ns: int) -> tuple[int, int]:
        """The first lane of the track that is free at ``begin_ns``; slices come in order of their begin."""
        ends = self._lane_ends.setdefault((process, track), [])
        for lane, busy_until_ns in enumerate(ends):
            if busy_until_ns <= begin_ns:
                ends[lane] = end_ns
                break
        else:
            ends.append(end_ns)
            lane = len(ends) - 1
        return self._track(process, track if lane == 0 else f"{track} ({lane + 1})")


_RANK = {"X": 0, "s": 1, "t": 1, "f": 1}  # a flow binds to a slice that has begun
