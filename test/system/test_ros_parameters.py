"""`ros2 param` as ROS programs do it: rclpy's parameter client, the agent's process and the firmware's, over a pty."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from takt.contract import load
from takt.contract.parameters import board_parameters

ROOT = Path(__file__).resolve().parents[2]
FIRMWARE = ROOT / "build/firmware/takt_firmware"
LIMIT_S = 200.0  # for what takes a second or two

rclpy = pytest.importorskip("rclpy")


class Board:
    """Firmware and agent; ``restart`` is a power cycle of the board."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.kept = folder / "parameters"
        self.environment = os.environ | {"PYTHONPATH": str(ROOT / "ros_nodes")}
        self.firmware = self._start_firmware()
        agent = [sys.executable, "-m", "takt.cli", "agent", "--dev", folder / "link", "--wait"]
        self.agent = self._start(agent, "agent.log")

    def _start(self, command: list[Any], log: str) -> subprocess.Popen[bytes]:
        with (self.folder / log).open("ab") as out:
            return subprocess.Popen(list(map(str, command)), env=self.environment, stdout=out, stderr=out)

    def _start_firmware(self) -> subprocess.Popen[bytes]:
        lines = [f"--{name}=pty:{self.folder / name}" for name in ("link", "plant")]
        return self._start([FIRMWARE, *lines, "--parameters", self.kept], "firmware.log")

    def restart(self) -> None:
        self.firmware.kill()
        self.firmware.wait()
        self.firmware = self._start_firmware()

    def end(self) -> None:
        for process in (self.agent, self.firmware):
            process.send_signal(signal.SIGTERM)
        for process in (self.agent, self.firmware):
            process.wait(timeout=LIMIT_S)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    if not FIRMWARE.exists():
        pytest.fail("the posix firmware is not built: ./run firmware posix")
    made = Board(tmp_path)
    yield made
    made.end()


class Asker:
    """A ROS node that asks /base; each call waits for its answer, and asks again while the board is away."""

    def __init__(self) -> None:
        from rclpy.parameter_client import AsyncParameterClient

        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node("asker", context=self.context)
        self.executor = rclpy.executors.SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.client = AsyncParameterClient(self.node, "/base")

    def ask(self, what: str, *arguments: Any) -> Any:
        assert self.client.wait_for_services(LIMIT_S)
        end_s = time.monotonic() + LIMIT_S
        while time.monotonic() < end_s:
            future = getattr(self.client, what)(*arguments)
            self.executor.spin_until_future_complete(future, timeout_sec=5.0)
            if future.done():
                return future.result()
        raise AssertionError(f"{what} was not answered")

    def close(self) -> None:
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


@pytest.fixture
def asker() -> Iterator[Asker]:
    made = Asker()
    yield made
    made.close()


def test_a_parameter_client_lists_describes_gets_sets_and_the_board_remembers(
    board: Board, asker: Asker
) -> None:
    from rclpy.parameter import Parameter

    table = {p.name: p for p in board_parameters(load(ROOT / "config/contract.yaml"))}
    assert list(asker.ask("list_parameters").result.names) == list(table)
    described = asker.ask("describe_parameters", list(table)).descriptors
    assert [d.description for d in described] == [p.purpose for p in table.values()]
    values = asker.ask("get_parameters", list(table)).values
    assert [v.integer_value or v.double_value for v in values] == [p.value for p in table.values()]
    results = asker.ask(
        "set_parameters",
        [Parameter("control.kp_per_rad_s", value=0.031), Parameter("limits.speed_m_s", value=9.0)],
    ).results
    assert [r.successful for r in results] == [True, False] and "0.05 to 0.8" in results[1].reason
    atomic = [Parameter("control.ki_per_rad", value=0.2), Parameter("nothing", value=1.0)]
    assert not asker.ask("set_parameters_atomically", atomic).result.successful

    board.restart()
    names = ["control.kp_per_rad_s", "control.ki_per_rad"]
    kept = asker.ask("get_parameters", names).values
    assert [v.double_value for v in kept] == [0.031, table["control.ki_per_rad"].value]
