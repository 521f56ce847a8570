"""What the agent takes from the contract. It works without one too, for boards that are not ours."""

from __future__ import annotations

import importlib
from dataclasses import dataclass

import takt.contract
from takt.errors import TaktError
from takt.link import handshake
from takt.link.handshake import Handshake

_STOCK_BAUD = 115200
_STOCK_BUDGET_MS = 10.0
_PREPARED = ("geometry_msgs.msg", "sensor_msgs.msg", "std_msgs.msg", "std_srvs.srv", "rcl_interfaces.srv")


@dataclass(frozen=True)
class Settings:
    """``cmd_vel``: absolute name of the topic that STOP keeps back, as the others are; ``budget_ms``: from publication
    to the line; ``apply_ms``: from the board's link to the motor."""

    baud: int = _STOCK_BAUD
    budget_ms: float = _STOCK_BUDGET_MS
    cmd_vel: str = "/cmd_vel"
    applied: str = "/base/applied"
    joint_states: str = "/joint_states"
    deadline_misses: str = "/base/deadline_misses"
    apply_ms: float = _STOCK_BUDGET_MS
    handshake: Handshake = Handshake(differs=lambda told: ("contract",))
    fifo_priority: int = 0
    warnings: tuple[str, ...] = ()


def settings() -> Settings:
    """By the contract; without a readable one, what suits a stock board, and no command for a Takt board."""
    _prepare()
    try:
        contract = takt.contract.load()
    except TaktError as error:
        return _stock(str(error))
    return Settings(
        baud=contract.link.baud,
        budget_ms=contract.stages["link"].budget_ms,
        cmd_vel=handshake.absolute(contract.topics["cmd_vel"].ros_name),
        applied=handshake.absolute(contract.topics["applied"].ros_name),
        joint_states=handshake.absolute(contract.topics["joint_states"].ros_name),
        deadline_misses=handshake.absolute(contract.topics["deadline_misses"].ros_name),
        apply_ms=contract.stages["apply"].budget_ms,
        handshake=handshake.of_contract(contract),
        fifo_priority=contract.scheduling.agent,
    )


def _stock(reason: str) -> Settings:
    kept = Handshake(
        differs=lambda told: ("contract",),
        topics=frozenset({"/cmd_vel"}),
        services=frozenset({"/base/arm"}),
    )
    return Settings(handshake=kept, warnings=(f"no contract ({reason}); Takt boards get no commands",))


def _prepare() -> None:
    """Import the usual message packages now: the first board that asks for one would wait for it."""
    for name in _PREPARED:
        try:
            importlib.import_module(name)
        except ImportError:
            continue
