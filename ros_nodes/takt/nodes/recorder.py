"""The recorder: takes what the robot says off the middleware in its own time, and keeps it for when it is wanted.

It has no executor: its subscriptions fill while it sleeps, and each turn empties them. So it wakes ten times a second
instead of at each of four hundred messages, and the middleware's own stamps say when each one came.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from pathlib import Path
from typing import Any

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.executors import ExternalShutdownException
from rclpy.node import Node

import takt.contract
from takt.errors import guarded
from takt.nodes.recorder_ears import Causes, Ears
from takt.nodes.recorder_pictures import Pictures
from takt.nodes.shell import status
from takt.recording.black_box import BlackBox
from takt.recording.channels import LADDER_TOPIC
from takt.recording.sample import Sample
from takt.recording.scribe import Scribe
from takt.recording.shelf import BOX, RUN, complete_parts
from takt.recording.tape import MIB, Tape

_SECOND_NS = 1_000_000_000
_END_S = 1.5  # the supervisor gives two
_FOLDER = Path.home() / ".ros/takt/recordings"
_CONTRACT_NAME = "contract.yaml"


class RecorderNode(Node):  # type: ignore[misc]
    """Parameters: ``folder`` of the recordings, ``ring`` for pictures (empty: none), ``whole_run`` (record all of it),
    ``black_box`` (keep the newest and write them around a cause)."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__("recorder", start_parameter_services=False, **kwargs)
        contract = takt.contract.load()
        self._rules, work = contract.recording, contract.soft_work["recording"]
        self.folder = Path(self.declare_parameter("folder", "").value or _FOLDER).expanduser()
        ring = str(self.declare_parameter("ring", "").value)
        whole_run = bool(self.declare_parameter("whole_run", False).value)
        black_box = bool(self.declare_parameter("black_box", True).value)
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, damage in complete_parts(self.folder).items():
            self.get_logger().warning(f"completed {name}, which a crash had left: {damage or 'whole'}")
        self._ears = Ears(self, contract)
        self._pictures = Pictures(ring, self._rules.picture_rate_hz) if ring else None
        self._facts = {"contract": contract.hash_property}
        self._box_scribe = self._scribe(BOX) if black_box else None
        self._box = BlackBox(self._rules, self._box_scribe, [LADDER_TOPIC]) if self._box_scribe else None
        self._causes = Causes(contract)
        self._run_scribe = self._scribe(RUN) if whole_run else None
        if self._run_scribe is not None:
            self._run_scribe.open("all", "a whole run")
        self._diagnostics = self.create_publisher(DiagnosticArray, "/diagnostics", 10)
        self.taken = self.causes_told = 0
        self._told_ns = 0
        with contextlib.suppress(OSError):  # already nicer: somebody meant it so
            os.nice(max(0, work.nice - os.nice(0)))

    @property
    def turns_hz(self) -> float:
        """How often it takes messages at present; the supervisor may ask for relief."""
        return self._ears.turns_hz

    def spin(self, seconds: float | None = None) -> None:
        """Until the context ends, or for ``seconds``."""
        end_s = None if seconds is None else time.monotonic() + seconds
        while rclpy.ok() and (end_s is None or time.monotonic() < end_s):
            time.sleep(1.0 / self._ears.turns_hz)
            self.turn(time.monotonic_ns())

    def turn(self, steady_ns: int) -> None:
        """Take what has come, and do what is due."""
        samples = self._ears.take_all()
        if self._pictures is not None and (picture := self._pictures.take(time.time_ns())) is not None:
            samples.append(picture)
        self.taken += len(samples)
        if self._run_scribe is not None:
            self._run_scribe.write(samples)
        if self._box is not None:
            self._feed(self._box, samples, steady_ns)
        if steady_ns - self._told_ns >= _SECOND_NS:
            self._told_ns = steady_ns
            if self._run_scribe is not None:
                self._run_scribe.flush()
            self._tell()

    def close(self) -> bool:
        """Take the last words and complete what is open; False when the disk was too slow for that."""
        with contextlib.suppress(Exception):  # the context may be gone already, and with it what still waited
            self.turn(time.monotonic_ns())
        if self._box is not None:
            self._box.close()
        if self._run_scribe is not None:
            self._run_scribe.finish("the recorder ended", 0)
        ends = [scribe.close(_END_S) for scribe in (self._box_scribe, self._run_scribe) if scribe is not None]
        return all(ends)

    def _feed(self, box: BlackBox, samples: list[Sample], steady_ns: int) -> None:
        for sample in samples:
            box.add(sample, steady_ns)
            for cause in self._causes.of(sample, steady_ns):
                self.get_logger().warning(f"recording: {cause}")
                box.trigger(cause, steady_ns)
                self.causes_told += 1
        box.step(steady_ns)

    def _scribe(self, kind: str) -> Scribe:
        text = Path(
            os.environ.get(takt.contract.OVERRIDE) or takt.resources.path(takt.contract.CONTRACT_FILE)
        )
        attachments = {_CONTRACT_NAME: text.read_text(encoding="utf-8")}
        channels = self._ears.channels
        tape = Tape(self.folder, kind, self._rules, channels, self._facts, attachments, self._say)
        return Scribe(tape, self._rules.memory_mib * MIB)

    def _say(self, line: str) -> None:
        self.get_logger().info(line)

    def _tell(self) -> None:
        scribes = [scribe for scribe in (self._box_scribe, self._run_scribe) if scribe is not None]
        failure = next((scribe.failure for scribe in scribes if scribe.failure), "")
        values: dict[str, object] = {
            "taken": self.taken,
            "dropped": sum(scribe.dropped for scribe in scribes) + (self._box.dropped if self._box else 0),
            "held_bytes": self._box.held_bytes if self._box else 0,
            "recording": bool(self._run_scribe) or bool(self._box and self._box.is_open),
            "turns_hz": self._ears.turns_hz,
            "folder": self.folder,
        }
        array = DiagnosticArray(
            status=[status("recorder: recordings", values, "WARN" if failure else "OK", failure)]
        )
        array.header.stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(array)


def serve(ros_arguments: list[str] | None = None) -> int:
    """Run the recorder until SIGINT or SIGTERM; returns the exit status."""
    rclpy.init(args=ros_arguments)
    node: RecorderNode | None = None
    try:
        node = RecorderNode()
        node.spin()
    except (KeyboardInterrupt, ExternalShutdownException):
        pass
    finally:
        whole = node.close() if node is not None else True
        rclpy.try_shutdown()
    if not whole:
        print("the disk did not take everything in time: the next start completes it", file=sys.stderr)
        os._exit(1)  # the scribe's thread would hold the exit up
    return 0


def main() -> None:
    sys.exit(guarded(serve))


if __name__ == "__main__":
    main()
