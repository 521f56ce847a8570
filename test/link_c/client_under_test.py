"""The firmware's client, compiled from its sources and driven through ctypes: `build`, `Client`, `Clock`."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CORE = ROOT / "firmware" / "core"
SOURCES = sorted(CORE.glob("src/client*.c")) + [
    CORE / "src" / name for name in ("framing.c", "streams.c", "clock.c", "xrce.c")
]
INCLUDES = [f"-I{CORE / 'include'}", f"-I{CORE / 'generated'}", f"-I{CORE / 'src'}"]
FLAGS = ["-std=c11", "-Wall", "-Wextra", "-Wconversion", "-Werror"]
COMPILER = shutil.which("cc") or "cc"

DISCONNECTED, CONNECTING, CREATING, CONNECTED = range(4)
LOSS_NONE, LOSS_SILENCE, LOSS_RESTARTED, LOSS_TIMEOUT, LOSS_REFUSED, LOSS_UNCONFIRMED, LOSS_STEP = range(7)


def build(folder: Path) -> ctypes.CDLL:
    """Compiles client, generated tables and probe into a shared library in `folder`."""
    library = folder / "client_under_test.so"
    tables = [CORE / "generated" / name for name in ("takt_contract.c", "parameter_table.c")]
    probe = Path(__file__).parent / "client_probe.c"
    command = [
        COMPILER,
        *FLAGS,
        "-O1",
        "-g",
        "-shared",
        "-fPIC",
        *INCLUDES,
        "-o",
        library,
        *SOURCES,
        *tables,
        probe,
    ]
    subprocess.run(list(map(str, command)), check=True)
    return load(library)


def load(path: Path) -> ctypes.CDLL:
    """The library at `path` with its functions declared."""
    library = ctypes.CDLL(str(path))
    for name, result in {
        "takt_client_clock": ctypes.c_void_p,
        "takt_client_stats": ctypes.POINTER(Stats),
        "takt_client_publish": ctypes.c_bool,
        "takt_client_has_room": ctypes.c_bool,
        "takt_clock_ros_ns": ctypes.c_int64,
        "takt_clock_board_ns": ctypes.c_uint64,
        "takt_clock_bound_ns": ctypes.c_uint64,
        "takt_clock_epoch": ctypes.c_uint32,
        "takt_clock_locked": ctypes.c_bool,
        "takt_crc16": ctypes.c_uint16,
        "probe_complete": ctypes.c_bool,
        "probe_client_size": ctypes.c_size_t,
        "probe_filter_size": ctypes.c_size_t,
        "probe_encode": ctypes.c_size_t,
        "probe_topic_name": ctypes.c_char_p,
        "probe_topic_type": ctypes.c_char_p,
        "probe_service_name": ctypes.c_char_p,
    }.items():
        getattr(library, name).restype = result
    return library


WRITE = ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)
ON_SAMPLE = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_uint, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_uint64
)
ON_REQUEST = ctypes.CFUNCTYPE(
    ctypes.c_size_t,
    ctypes.c_void_p,
    ctypes.c_uint,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_uint64,
)
REPLY_PART = ctypes.CFUNCTYPE(
    None, ctypes.c_void_p, ctypes.c_uint, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t
)
Service = Callable[[int, bytes, int], bytes]
ASSEMBLY_BYTES = 1584


class Config(ctypes.Structure):
    """takt_client_config_t."""

    _fields_ = [
        ("context", ctypes.c_void_p),
        ("write", WRITE),
        ("on_sample", ON_SAMPLE),
        ("on_request", ON_REQUEST),
        ("reply_part", REPLY_PART),
        ("assembly", ctypes.c_void_p),
        ("assembly_bytes", ctypes.c_uint16),
        ("late_services", ctypes.c_void_p),
        ("late_service_count", ctypes.c_uint8),
        ("key", ctypes.c_uint32),
        ("domain", ctypes.c_uint16),
        ("contract_property", ctypes.c_char_p),
        ("node_name", ctypes.c_char_p),
    ]


class Stats(ctypes.Structure):
    """takt_client_stats_t."""

    _fields_ = [
        (name, ctypes.c_uint32)
        for name in (
            "rx",
            "tx",
            "crc_errors",
            "oversized_frames",
            "oversized_samples",
            "malformed",
            "duplicates",
            "retransmits",
            "reconnects",
            "dropped",
            "refused",
            "create_errors",
            "round_trip_us",
        )
    ] + [("last_rx_ns", ctypes.c_uint64), ("loss", ctypes.c_int)]


class Clock:
    """takt_clock_t at an address owned by somebody else; board times in ns."""

    def __init__(self, library: ctypes.CDLL, address: int) -> None:
        self._library = library
        self._address = ctypes.c_void_p(address)

    def locked(self, now_ns: int) -> bool:
        return bool(self._library.takt_clock_locked(self._address, ctypes.c_uint64(now_ns)))

    def ros_ns(self, board_ns: int) -> int:
        return int(self._library.takt_clock_ros_ns(self._address, ctypes.c_uint64(board_ns)))

    def board_ns(self, ros_ns: int) -> int:
        return int(self._library.takt_clock_board_ns(self._address, ctypes.c_int64(ros_ns)))

    def bound_ns(self, board_ns: int) -> int:
        return int(self._library.takt_clock_bound_ns(self._address, ctypes.c_uint64(board_ns)))

    @property
    def epoch(self) -> int:
        return int(self._library.takt_clock_epoch(self._address))


class ClockFilter:
    """takt_clock_filter_t fed by hand."""

    def __init__(self, library: ctypes.CDLL) -> None:
        self._library = library
        self._memory = ctypes.create_string_buffer(library.probe_filter_size())
        library.takt_clock_filter_init(self._memory)
        self.clock = Clock(library, ctypes.addressof(self._memory))  # takt_clock_t is its first member

    def exchange(self, sent_ns: int, agent_receive_ns: int, agent_transmit_ns: int, received_ns: int) -> None:
        self._library.takt_clock_filter_exchange(
            self._memory,
            ctypes.c_uint64(sent_ns),
            ctypes.c_int64(agent_receive_ns),
            ctypes.c_int64(agent_transmit_ns),
            ctypes.c_uint64(received_ns),
        )


class Client:
    """takt_client_t with its callbacks collected in Python.

    `line_room` is how many bytes the line takes before it is full; None is without limit.
    """

    def __init__(
        self,
        library: ctypes.CDLL,
        *,
        key: int = 0x11223344,
        domain: int = 77,
        now_ns: int = 0,
        assembly: bool = True,
        contract_property: bytes = b"0123456789abcdef",
        node_name: bytes = b"base",
        reply_parts: bool = True,
    ) -> None:
        self.library = library
        self.sent = bytearray()
        self.line_room: int | None = None
        self.samples: list[tuple[int, bytes]] = []
        self.requests: list[tuple[int, bytes]] = []
        self.service: Service = lambda service, request, capacity: request
        self._answer = b""
        self._memory = ctypes.create_string_buffer(library.probe_client_size())
        self._assembly = ctypes.create_string_buffer(ASSEMBLY_BYTES)
        self._config = Config(
            None,
            WRITE(self._write),
            ON_SAMPLE(self._on_sample),
            ON_REQUEST(self._on_request),
            REPLY_PART(self._reply_part) if reply_parts else REPLY_PART(),
            ctypes.cast(self._assembly, ctypes.c_void_p) if assembly else None,
            ASSEMBLY_BYTES,
            ctypes.addressof(ctypes.c_char.in_dll(library, "takt_parameter_services")),
            library.probe_late_service_count(),
            key,
            domain,
            contract_property,
            node_name,
        )
        library.takt_client_init(self._memory, ctypes.byref(self._config), ctypes.c_uint64(now_ns))
        self.clock = Clock(library, library.takt_client_clock(self._memory))

    def _write(self, _context: object, address: int, count: int) -> int:
        taken = count if self.line_room is None else min(count, self.line_room)
        if self.line_room is not None:
            self.line_room -= taken
        self.sent += ctypes.string_at(address, taken)
        return taken

    def _on_sample(self, _context: object, topic: int, address: int, size: int, _now_ns: int) -> None:
        self.samples.append((topic, ctypes.string_at(address, size)))

    def _on_request(
        self, _context: object, service: int, address: int, size: int, reply: int, capacity: int, _now_ns: int
    ) -> int:
        request = ctypes.string_at(address, size)
        self.requests.append((service, request))
        self._answer = self.service(service, request, capacity)
        ctypes.memmove(reply, self._answer, min(len(self._answer), capacity))
        return len(self._answer)

    def _reply_part(self, _context: object, _service: int, start: int, address: int, count: int) -> None:
        part = self._answer[start : start + count]
        assert len(part) == count, "only bytes of the reply are asked for"
        ctypes.memmove(address, part, count)

    def take_sent(self) -> bytes:
        """The bytes put on the line since the last call."""
        sent, self.sent = bytes(self.sent), bytearray()
        return sent

    def receive(self, line: bytes, now_ns: int) -> None:
        self.library.takt_client_receive(
            self._memory, line, ctypes.c_size_t(len(line)), ctypes.c_uint64(now_ns)
        )

    def run(self, now_ns: int) -> None:
        self.library.takt_client_run(self._memory, ctypes.c_uint64(now_ns))

    def publish(self, topic: int, cdr: bytes, now_ns: int) -> bool:
        return bool(
            self.library.takt_client_publish(
                self._memory, topic, cdr, ctypes.c_size_t(len(cdr)), ctypes.c_uint64(now_ns)
            )
        )

    def has_room(self, size: int) -> bool:
        return bool(self.library.takt_client_has_room(self._memory, ctypes.c_size_t(size)))

    def set_sequence(self, sequence: int) -> None:
        """Of the next reliable message; only while none is unconfirmed."""
        self.library.probe_set_sequence(self._memory, sequence)

    def set_request(self, request: int) -> None:
        """Number of the next request."""
        self.library.probe_set_request(self._memory, request)

    @property
    def state(self) -> int:
        return int(self.library.takt_client_state(self._memory))

    @property
    def complete(self) -> bool:
        """Connected, and the services of parameters exist, too."""
        return bool(self.library.probe_complete(self._memory))

    @property
    def stats(self) -> Stats:
        return self.library.takt_client_stats(self._memory).contents
