"""Boards on the network: one unframed message per datagram, a client known by its address and port."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable, Hashable

from takt.errors import TaktError
from takt.link.agent import AgentCore
from takt.link.transports.driver import SLACK_NS
from takt.link.transports.reactor import READABLE, Reactor

_BATCH = 64  # datagrams read before the other lines have their turn
_BUFFER = 65536


class UdpDriver:
    """A bound socket and its core. ``is_open`` from the beginning; IPv6 and IPv4 where the system has both."""

    def __init__(
        self, core: AgentCore, port: int, reactor: Reactor, clock_ns: Callable[[], int] = time.monotonic_ns
    ) -> None:
        self.core = core
        self.is_open, self.reopened = True, 0
        self.due_ns = 0
        self._clock_ns = clock_ns
        self._socket = _bound(port)
        self.port: int = self._socket.getsockname()[1]
        self.name = f"udp {self.port}"
        self._reactor = reactor
        reactor.register(self._socket.fileno(), self.on_events)
        reactor.add(self)

    def on_events(self, events: int) -> None:
        if not events & READABLE:
            return
        for _ in range(_BATCH):
            try:
                message, address = self._socket.recvfrom(_BUFFER)
            except BlockingIOError:
                return
            except OSError:  # an earlier answer met a closed port: the kernel tells it here
                continue
            self.core.receive_message(address, message, self._clock_ns())

    def push(self) -> bool:
        now_ns = self._clock_ns()
        if now_ns >= self.core.due_ns:
            self.core.run(now_ns)
        for address, message in self.core.transmit_messages(now_ns):
            self._send(address, message)
        self.due_ns = self.core.due_ns + SLACK_NS
        return True

    def _send(self, address: Hashable, message: bytes) -> None:
        try:
            self._socket.sendto(message, address)  # type: ignore[call-overload]
            self.core.stats.bytes_tx += len(message)
        except OSError:  # full buffer, no route: as a datagram lost on its way
            self.core.stats.drop("udp_send")

    def close(self) -> None:
        self._reactor.remove(self)
        self._reactor.unregister(self._socket.fileno())
        self._socket.close()
        self.is_open = False


def _bound(port: int) -> socket.socket:
    dual = socket.has_dualstack_ipv6()
    made = socket.socket(socket.AF_INET6 if dual else socket.AF_INET, socket.SOCK_DGRAM)
    if dual:
        made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    try:
        made.bind(("", port))
    except OSError as error:
        made.close()
        raise TaktError(
            f"UDP port {port} cannot be used ({error.strerror})",
            "end the program that has it, or choose another",
        ) from None
    made.setblocking(False)
    return made
