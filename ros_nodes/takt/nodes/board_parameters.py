"""The board's parameters through the services of rcl_interfaces, as any ROS program would ask for them."""

from __future__ import annotations

import time
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

from rcl_interfaces.msg import Parameter, ParameterDescriptor, ParameterType, ParameterValue
from rcl_interfaces.srv import DescribeParameters, GetParameters, ListParameters, SetParameters
from rclpy.client import Client
from rclpy.node import Node
from rclpy.task import Future as RosFuture

from takt.dashboard import Answer, ParameterRow

_PATIENCE_S = 4.0
_ABSENT = "the board does not answer for its parameters (no link, or a firmware that has none)"
_NO_LIMITS = (float("-inf"), float("inf"), 0.0)


@dataclass
class Reading:
    """A read under way: names, then descriptions, then values."""

    told: Future[list[ParameterRow]]
    until_s: float
    client: Client
    call: RosFuture
    names: list[str] | None = None
    described: list[ParameterDescriptor] | None = None


class BoardParameters:
    """Works in the executor's thread: ``step`` looks for answers. One read at a time serves all who ask."""

    def __init__(self, node: Node, board: str = "base") -> None:
        self._list = node.create_client(ListParameters, f"{board}/list_parameters")
        self._describe = node.create_client(DescribeParameters, f"{board}/describe_parameters")
        self._get = node.create_client(GetParameters, f"{board}/get_parameters")
        self._set = node.create_client(SetParameters, f"{board}/set_parameters")
        self._readings: list[Reading] = []
        self._settings: list[tuple[RosFuture, Future[Answer], float]] = []
        self._types: dict[str, int] = {}

    def read(self, told: Future[list[ParameterRow]]) -> None:
        """All parameters with ranges and values."""
        if not self._list.service_is_ready():
            _fail(told, _ABSENT)
            return
        call = self._list.call_async(ListParameters.Request())
        self._readings.append(Reading(told, time.monotonic() + _PATIENCE_S, self._list, call))

    def set(self, name: str, value: float, told: Future[Answer]) -> None:
        """Set one, as the type that the board described it to have."""
        if not self._set.service_is_ready():
            _tell(told, Answer(False, _ABSENT))
            return
        whole = self._types.get(name) == ParameterType.PARAMETER_INTEGER
        if whole and not value.is_integer():
            _tell(told, Answer(False, f"{name} is an integer"))
            return
        kept = (
            ParameterValue(type=ParameterType.PARAMETER_INTEGER, integer_value=int(value))
            if whole
            else ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=value)
        )
        request = SetParameters.Request(parameters=[Parameter(name=name, value=kept)])
        self._settings.append((self._set.call_async(request), told, time.monotonic() + _PATIENCE_S))

    def step(self, now_s: float) -> None:
        """Take the answers that have come; give up on those that stay away."""
        self._readings = [one for one in self._readings if not self._advance(one, now_s)]
        self._settings = [one for one in self._settings if not self._settled(*one, now_s)]

    def _advance(self, reading: Reading, now_s: float) -> bool:
        """True when this read has ended."""
        if not reading.call.done():
            if now_s >= reading.until_s:
                reading.client.remove_pending_request(reading.call)
                _fail(reading.told, "the board did not answer in time")
                return True
            return False
        answer = reading.call.result()
        if reading.names is None:
            reading.names = list(answer.result.names)
            self._next(reading, self._describe, DescribeParameters.Request(names=reading.names))
        elif reading.described is None:
            reading.described = list(answer.descriptors)
            self._types |= {one.name: one.type for one in reading.described}
            self._next(reading, self._get, GetParameters.Request(names=reading.names))
        else:
            _tell(reading.told, [_row(*pair) for pair in zip(reading.described, answer.values, strict=False)])
            return True
        return False

    @staticmethod
    def _next(reading: Reading, client: Client, request: Any) -> None:
        reading.client, reading.call = client, client.call_async(request)

    def _settled(self, call: RosFuture, told: Future[Answer], until_s: float, now_s: float) -> bool:
        if call.done():
            results = call.result().results
            words = results[0].reason if results else "the board gave an empty answer"
            done = bool(results) and bool(results[0].successful)
            _tell(told, Answer(done, words or ("set" if done else "without a reason")))
            return True
        if now_s >= until_s:
            self._set.remove_pending_request(call)
            _tell(told, Answer(False, "no answer; whether it was set is not known"))
            return True
        return False


def _row(described: ParameterDescriptor, value: ParameterValue) -> ParameterRow:
    whole = described.type == ParameterType.PARAMETER_INTEGER
    ranges = described.integer_range if whole else described.floating_point_range
    low, high, step = (
        (float(ranges[0].from_value), float(ranges[0].to_value), float(ranges[0].step))
        if ranges
        else _NO_LIMITS
    )
    return ParameterRow(
        name=described.name,
        value=float(value.integer_value if whole else value.double_value),
        whole=whole,
        low=low,
        high=high,
        step=step,
        read_only=bool(described.read_only),
        purpose=described.description,
        constraints=described.additional_constraints,
    )


def _tell(told: Future[Any], answer: Any) -> None:
    if told.set_running_or_notify_cancel():  # the page may have gone away
        told.set_result(answer)


def _fail(told: Future[Any], words: str) -> None:
    if told.set_running_or_notify_cancel():
        told.set_exception(LookupError(words))
