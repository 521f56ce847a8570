"""Calls of the board's parameter services in virtual time: `Parameters`, with plain Python values."""

from __future__ import annotations

from typing import TypeVar

from host_side import Rig

from takt.contract.cdr import Message
from takt.contract.generated import messages as m

INTEGER, DOUBLE = 2, 3
REPLY_HEAD = 24 + 4  # SampleIdentity, encapsulation

M = TypeVar("M", bound=Message)


def parameter(name: str, value: object) -> m.Parameter:
    """As rclpy would send it: ints are integers, floats doubles, and so on."""
    made = m.ParameterValue()
    if isinstance(value, bool):
        made = m.ParameterValue(type=1, bool_value=value)
    elif isinstance(value, int):
        made = m.ParameterValue(type=INTEGER, integer_value=value)
    elif isinstance(value, float):
        made = m.ParameterValue(type=DOUBLE, double_value=value)
    elif isinstance(value, str):
        made = m.ParameterValue(type=4, string_value=value)
    elif isinstance(value, list):
        made = m.ParameterValue(type=8, double_array_value=value)
    return m.Parameter(name, made)


class Parameters:
    """The six services of a board in a `Rig`; values and names in, values out."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig

    def ask(self, service: str, request: Message, kind: type[M], *, junk: bytes = b"") -> M:
        ros = self.rig.ros
        before = len(ros.log)
        assert ros.request(f"/base/{service}", bytes(range(24)), request.to_cdr() + junk) == 1
        for _ in range(400):
            self.rig.step()
            replies = [data for what, _, data in ros.log[before:] if what == "reply"]
            if replies:
                assert replies[0][:24] == bytes(range(24))
                return kind.from_cdr(replies[0][REPLY_HEAD:])
        raise AssertionError(f"{service} was not answered within 400 ms")

    def list(self, prefixes: list[str] | None = None, depth: int = 0) -> m.ListParametersResult:
        request = m.ListParameters_Request(prefixes or [], depth)
        return self.ask("list_parameters", request, m.ListParameters_Response).result

    def get(self, *names: str) -> list[float]:
        reply = self.ask("get_parameters", m.GetParameters_Request(list(names)), m.GetParameters_Response)
        return [v.integer_value if v.type == INTEGER else v.double_value for v in reply.values]

    def types(self, *names: str) -> list[int]:
        request = m.GetParameterTypes_Request(list(names))
        return list(self.ask("get_parameter_types", request, m.GetParameterTypes_Response).types)

    def describe(self, *names: str) -> list[m.ParameterDescriptor]:
        request = m.DescribeParameters_Request(list(names))
        return self.ask("describe_parameters", request, m.DescribeParameters_Response).descriptors

    def set(self, **values: object) -> list[tuple[bool, str]]:
        """Names with ``__`` for the dot."""
        wishes = [parameter(name.replace("__", "."), value) for name, value in values.items()]
        reply = self.ask("set_parameters", m.SetParameters_Request(wishes), m.SetParameters_Response)
        return [(result.successful, result.reason) for result in reply.results]

    def set_atomically(self, **values: object) -> tuple[bool, str]:
        wishes = [parameter(name.replace("__", "."), value) for name, value in values.items()]
        request = m.SetParametersAtomically_Request(wishes)
        result = self.ask("set_parameters_atomically", request, m.SetParametersAtomically_Response).result
        return result.successful, result.reason
