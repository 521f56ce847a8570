"""Who may look at the page and who may act: names of the server, origins of pages, and the token.

Three dangers, three answers. A page of another site that opened in the same browser is known by its ``Origin``. A
foreign name that was made to point at this computer (DNS rebinding) is known by its ``Host``; an address in figures
cannot be rebound. Another person on the network does not know the token.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
import socket
from dataclasses import dataclass, field

_LOOPBACK_NAMES = frozenset({"127.0.0.1", "localhost", "::1"})


def is_loopback(address: str) -> bool:
    """Whether only this computer can reach ``address``; it is one in figures."""
    return ipaddress.ip_address(address).is_loopback


def computer_names() -> frozenset[str]:
    """What others may call this computer."""
    name = socket.gethostname().lower()
    return frozenset({name, f"{name}.local"})


@dataclass(frozen=True)
class Access:
    """The rules of one server. ``token`` empty: everybody on this computer may look and act."""

    names: frozenset[str] = _LOOPBACK_NAMES
    any_address: bool = False
    token: str = ""
    session: str = field(default_factory=lambda: secrets.token_urlsafe(32))  # what a cookie proves

    @classmethod
    def for_address(cls, address: str, token: str, names: frozenset[str] = frozenset()) -> Access:
        """Rules for a server bound to ``address``; beyond loopback a token must be given."""
        if is_loopback(address):
            return cls(token=token)
        if not token:
            raise ValueError("a server that others can reach needs a token")
        return cls(_LOOPBACK_NAMES | computer_names() | names, True, token)

    def answers_to(self, host: str) -> bool:
        """Whether a request with this ``Host`` is for us; the port may be that of a tunnel."""
        name = _name(host)
        return name in self.names or (self.any_address and _is_address(name))

    @staticmethod
    def is_own_page(host: str, origin: str | None) -> bool:
        """Whether the page that asks came from this very server."""
        return origin == f"http://{host}"

    def token_fits(self, offered: str) -> bool:
        """In a time that tells nothing of where the two differ."""
        return _same(offered, self.token) if self.token else True

    def session_fits(self, cookie: str) -> bool:
        return _same(cookie, self.session)


def _same(one: str, other: str) -> bool:
    digests = [hashlib.sha256(text.encode("utf-8", "surrogateescape")).digest() for text in (one, other)]
    return hmac.compare_digest(*digests)


def _name(host: str) -> str:
    """The name in ``NAME``, ``NAME:PORT`` or ``[ADDRESS]:PORT``; empty for anything else."""
    if host.startswith("["):
        inside, bracket, port = host[1:].partition("]")
        return inside if bracket and _is_port(port) else ""
    name, colon, port = host.partition(":")
    return name.lower() if _is_port(colon + port) else ""


def _is_port(text: str) -> bool:
    return not text or (text[0] == ":" and text[1:].isdigit())


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
