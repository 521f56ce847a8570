"""A twin's day as MCAP: what planner and supervisor thought from, every control cycle, and the episode itself."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from takt.contract import Contract
from takt.planning.plan_tick import PlanTick
from takt.recording.channels import channels_of
from takt.recording.mcap_file import McapFile
from takt.recording.sample import Sample
from takt.replay.tape import TWIN, cdr_of
from takt.twin.run import Result
from takt.twin.world import World

_STRING = "string data\n"


class FlightRecorder:
    """``see`` watches the world from its first step on, and touches nothing; ``finish`` gives the file its name."""

    def __init__(self, path: Path, contract: Contract) -> None:
        self._names = {key: contract.host_topics[key].ros_name for key in ("plans", "watch")}
        channels = {channel.topic: channel for channel in channels_of(contract)}
        facts = {"kind": "twin", "contract": contract.hash_property}
        self._file = McapFile(path, channels, facts, schema_of=lambda _type: _STRING)
        self._watched = 0
        self._world: World | None = None

    def see(self, world: World, _cycled: bool) -> None:
        if self._world is None:
            self._world = world
            world.planner.on_tick = self._plan
        last = world.supervisor.watch.last
        if last is not None and last.steady_ns != self._watched:
            self._watched = last.steady_ns
            self._write("watch", last.to_json(), world.now_ns)

    def finish(self, result: Result) -> None:
        self._file.attach(TWIN, "application/octet-stream", b"".join(result.rows), 0)
        self._file.note(TWIN, {"episode": json.dumps(asdict(result.episode)), "log_hash": result.log_hash})
        self._file.finish({"ended": "the day is over"})

    def _plan(self, tick: PlanTick) -> None:
        assert self._world is not None
        self._write("plans", tick.to_json(), self._world.now_ns)

    def _write(self, topic: str, text: str, now_ns: int) -> None:
        self._file.write(Sample(self._names[topic], now_ns, now_ns, cdr_of(text)))
