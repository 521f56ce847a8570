"""A small run with everything in it: a detour of one frame, a burst of misses, SAFE and the way back, a fault."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import takt.contract
from takt.contract.cdr import ENCAPSULATION, Writer
from takt.contract.generated import messages as ros
from takt.deadlines import Journey, Miss
from takt.deadlines.journey import stretches
from takt.recording.channels import channels_of
from takt.recording.mcap_file import McapFile
from takt.recording.sample import Sample
from takt.report.run_folder import read_run
from takt.report.run_record import RunRecord

MS, SECOND_NS = 1_000_000, 1_000_000_000
START_NS = 1_780_000_000 * SECOND_NS
FRAMES, SLOW_FRAME = 90, 60
OFFSET_NS = START_NS - 5 * SECOND_NS  # the board counts from five seconds before


def stamp(at_ns: int) -> ros.Time:
    return ros.Time(*divmod(at_ns, SECOND_NS))


def journey(number: int) -> Journey:
    """Three seconds of frames; in one of them detection takes 80 ms longer."""
    observed_ns = START_NS + number * 33 * MS
    detect_ms = 83 if number == SLOW_FRAME else 3
    ends_ms = [
        6,
        7,
        7 + detect_ms,
        8 + detect_ms,
        11 + detect_ms,
        12 + detect_ms,
        13 + detect_ms,
        17 + detect_ms,
    ]
    ends = [observed_ns + ms * MS for ms in ends_ms]
    marks = {
        "capture": (observed_ns, ends[0]),
        "detect": (ends[1], ends[2]),
        "plan": (ends[3], ends[4]),
        "middleware": (ends[4], ends[5]),
        "link": (ends[5], ends[6]),
    }
    return Journey(observed_ns, stretches(observed_ns, marks, ends[7]), ends[7], 150_000)


def string(text: str) -> bytes:
    cdr = Writer()
    cdr.string(text)
    return ENCAPSULATION + bytes(cdr.data)


def diagnostics(at_ns: int, name: str, message: str = "", **values: object) -> bytes:
    pairs = [ros.KeyValue(key, str(value)) for key, value in values.items()]
    status = ros.DiagnosticStatus(0, name, message, "base" if name.startswith("base") else "host", pairs)
    return ENCAPSULATION + ros.DiagnosticArray(ros.Header(stamp(at_ns)), [status]).to_cdr()


def said_at(second: float) -> list[tuple[str, bytes]]:
    """What is said once a second."""
    at_ns = START_NS + round(second * SECOND_NS)
    rung, reason = ("SAFE", "link") if 2.0 <= second < 3.0 else ("NOMINAL", "")
    timing = {
        f"{what}_{p}_us": n
        for what in ("release_jitter", "execution")
        for n, p in enumerate(("p50", "max"), 9)
    }
    statuses = [
        ("ladder", rung, {"reason": reason}),
        ("base: safety", "", {"rung": rung, "reason": reason or "none"}),
        (
            "base: loop",
            "",
            {"cycles": round(100 * second), "boot_count": 7, "misses": 2, "ledger_pending": 0},
        ),
        ("base: clock", "", {"locked": "true", "offset_ns": OFFSET_NS, "bound_us": 150, "drift_ppm": -2.5}),
        ("base: link", "", {"round_trip_us": 210 + 10 * second, "crc_errors": 0}),
        ("base: timing", "", timing),
        ("planner: plan", "", {"count": round(50 * second), "p50": 3.0, "p99": 4.0, "max": 9.0, "misses": 1}),
    ]
    return [
        ("/diagnostics", diagnostics(at_ns, name, message, **values)) for name, message, values in statuses
    ]


def samples() -> list[Sample]:
    made: list[tuple[int, str, bytes]] = []
    for number in range(FRAMES):
        one = journey(number)
        made.append((one.applied_ns, "takt/journeys", string(one.to_json())))
        applied = ros.TimeReference(ros.Header(stamp(one.applied_ns)), stamp(one.observed_ns), "applied")
        made.append((one.applied_ns, "base/applied", ENCAPSULATION + applied.to_cdr()))
    for cycle in range(300):
        at_ns = START_NS + cycle * 10 * MS
        joints = ros.JointState(ros.Header(stamp(at_ns)), ["l", "r"], [0.0, 0.0], [1.0, 1.5], [])
        made.append((at_ns, "joint_states", ENCAPSULATION + joints.to_cdr()))
    for second in range(4):
        made += [(START_NS + second * SECOND_NS, topic, data) for topic, data in said_at(float(second))]
    for sequence in (1, 2):
        record = {"boot": 7, "sequence": sequence, "previous": 0, "cause": "skipped", "cycle": 690}
        record |= {"late_ns": 10 * MS, "release_ns": 6900 * MS}
        made.append(
            (START_NS + 2 * SECOND_NS, "base/deadline_misses", diagnostics(0, "base: miss", **record))
        )
    log = Writer()
    log.i32(START_NS // SECOND_NS)
    log.u32(0)
    log.u8(30)
    log.string("supervisor")
    log.string("SAFE: <link>")
    made.append((START_NS, "/rosout", ENCAPSULATION + bytes(log.data)))
    return [Sample(topic, at_ns, at_ns - 100_000, data) for at_ns, topic, data in sorted(made)]


MISS = Miss(
    "detector",
    11,
    1,
    "detect",
    journey(SLOW_FRAME).stages[2][2],
    0,
    50 * MS,
    "inference",
    {"inference_ms": 83.0},
)


@pytest.fixture(scope="session")
def run_folder(tmp_path_factory) -> Path:
    """As the demo leaves it."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "recordings").mkdir()
    channels = {channel.topic: channel for channel in channels_of(takt.contract.load())}
    file = McapFile(folder / "recordings/run-20260528T202640.000Z-all.mcap", channels, {"kind": "run"})
    for sample in samples():
        file.write(sample)
    file.finish({"ended": "the recorder ended"})
    results = {"seconds": 3.0, "seed": 1, "firmware": "posix", "ok": False, "failed": ["final state <SAFE>"]}
    (folder / "results.json").write_text(json.dumps(results))
    (folder / "ledger.jsonl").write_text(MISS.to_json() + "\n" + MISS.to_json()[:40])
    at_ns = START_NS + 2 * SECOND_NS - 50 * MS
    fault = {"kind": "cut_link", "at_ns": at_ns, "until_ns": at_ns + 500 * MS, "strength": 1.0}
    (folder / "faults.jsonl").write_text(json.dumps(fault) + "\n")
    return folder


@pytest.fixture
def record(run_folder) -> RunRecord:
    return read_run(run_folder)
