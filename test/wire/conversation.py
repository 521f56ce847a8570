"""A scripted client and an agent core on one virtual line and clock."""

from __future__ import annotations

from collections.abc import Callable

from scripted_client import ScriptedClient

from takt.link.agent import AgentCore
from takt.link.handshake import Handshake
from takt.link.refs import Profiles
from takt.link.ros_port import MemoryRos

MS = 1_000_000
INT32 = "std_msgs::msg::dds_::Int32_"

Harm = Callable[[bytes], bytes]


class Conversation:
    """``harm`` sees each portion of line, both ways."""

    def __init__(
        self, *, handshake: Handshake | None = None, refs: str = "", harm: Harm = lambda data: data
    ) -> None:
        self.ros = MemoryRos()
        self.core = AgentCore(
            self.ros,
            handshake=handshake,
            profiles=Profiles(refs) if refs else None,
            watched_topic="/cmd_vel",
        )
        self.client = ScriptedClient()
        self.now_ns = 0
        self.harm = harm

    def exchange(self, client: ScriptedClient | None = None) -> None:
        """Carry bytes until both sides are silent."""
        client = client or self.client
        for _ in range(200):
            to_agent = client.take()
            if to_agent:
                self.core.receive(self.harm(to_agent), self.now_ns)
            to_client = self.core.transmit()
            if to_client:
                client.give(self.harm(to_client), self.now_ns)
            if not to_agent and not to_client:
                return
        raise AssertionError("the two never fall silent")

    def pass_time(self, duration_ms: int, step_ms: int = 20) -> None:
        """Let both sides' timers run."""
        for _ in range(0, duration_ms, step_ms):
            self.now_ns += step_ms * MS
            self.ros.clock_ns = self.now_ns
            self.client.tick(self.now_ns)
            self.core.run(self.now_ns)
            self.exchange()

    def connect(self, properties: dict[str, str] | None = None) -> None:
        self.client.hello(properties)
        self.exchange()

    def build(self) -> None:
        """A node with a writer (0) and a reader (1), both best effort."""
        self.client.participant("board")
        self.client.topic(0, "rt/out", INT32)
        self.client.writer(0)
        self.client.topic(1, "rt/in", INT32)
        self.client.reader(1)
        self.exchange()
        assert set(self.client.statuses.values()) == {0}

    def results(self) -> list[int]:
        """The statuses heard since the last call."""
        found = list(self.client.statuses.values())
        self.client.statuses.clear()
        return found
