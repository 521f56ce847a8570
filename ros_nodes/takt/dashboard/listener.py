"""The socket that the page is served from."""

from __future__ import annotations

import errno
import ipaddress
import socket

from takt.errors import TaktError

LOOPBACK = "127.0.0.1"


def listen(port: int, address: str = LOOPBACK) -> socket.socket:
    """A socket that listens on ``port`` of ``address``, by default of loopback; port 0 takes any free one.

    Raises TaktError when the address is none of this computer's, or the port is taken or not ours to take.
    """
    listener = socket.socket(_family(address), socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, port))
        listener.listen(64)
    except (OSError, OverflowError) as error:
        listener.close()
        raise _refusal(address, port, error) from error
    return listener


def _family(address: str) -> socket.AddressFamily:
    try:
        version = ipaddress.ip_address(address).version
    except ValueError:
        raise TaktError(
            f"{address!r} is no address in figures", f"give one such as {LOOPBACK} or 0.0.0.0"
        ) from None
    return socket.AF_INET if version == 4 else socket.AF_INET6


def _refusal(address: str, port: int, error: Exception) -> TaktError:
    number = error.errno if isinstance(error, OSError) else None
    if number == errno.EADDRINUSE:
        return TaktError(
            f"port {port} on {address} is taken by another program",
            "end that program, or choose another port for the dashboard (0 takes any free one)",
        )
    if number == errno.EADDRNOTAVAIL:
        return TaktError(
            f"this computer does not have the address {address}", "see `ip address` for what it has"
        )
    return TaktError(
        f"the dashboard cannot listen on port {port}: {error}", "choose a port between 1024 and 65535, or 0"
    )
