"""The board where ordinary driving never comes: odd messages, a flooded line, a sleeping link thread, a bare port."""

from __future__ import annotations

import ctypes
import struct
from pathlib import Path
from typing import Any

import pytest
from core_headers import Core
from host_side import MS, Rig
from parameter_calls import Parameters

from takt.contract.generated import messages as m

PERIOD = 10 * MS


@pytest.fixture
def rig(core_library: Path) -> Rig:
    made = Rig(core_library)
    made.connect()
    made.run(100)
    return made


def raw_request(rig: Rig, service: str, request: bytes) -> list[bytes]:
    """The replies within 50 ms."""
    before = len(rig.ros.log)
    assert rig.ros.request(service, bytes(24), request) == 1
    rig.run(50)
    return [data for what, _, data in rig.ros.log[before:] if what == "reply"]


# ---- what the host sends


def test_samples_too_short_are_no_commands_and_confirm_nothing(rig: Rig) -> None:
    rig.execution_ns = PERIOD + MS
    rig.run(100)
    pending = rig.board.state.ledger_pending
    assert rig.ros.deliver("rt/cmd_vel", b"\1\2\3") == 1
    assert rig.ros.deliver("rt/base/ledger_ack", b"\1\2\3") == 1
    rig.run(50)
    assert rig.board.state.ledger_pending == pending > 0
    assert rig.arm_request(True)[0]
    assert rig.board.state.reason == "no_command"


def test_requests_that_cannot_be_read_are_not_answered(rig: Rig) -> None:
    assert raw_request(rig, "/base/arm", b"\2") == [] and not rig.board.state.armed
    two_strings_promised = struct.pack("<I", 2) + struct.pack("<I", 2) + b"a\0"
    assert raw_request(rig, "/base/get_parameters", two_strings_promised) == []
    for request in (struct.pack("<I", 33), b"\1", struct.pack("<I", 1) + b"\5\0\0\0ab"):
        assert raw_request(rig, "/base/set_parameters", request) == []
    head = struct.pack("<I", 1) + b"\2\0\0\0a\0" + bytes(2) + bytes(20) + b"\1\0\0\0\0"
    for tail in (b"", b"\0\0\0" + struct.pack("<I", 1000), b"\0\0\0" + bytes(8) + struct.pack("<I", 1)):
        assert raw_request(rig, "/base/set_parameters", head + tail) == []
    assert rig.board.state.client == "connected"


def test_arming_twice_says_so(rig: Rig) -> None:
    assert rig.arm_request(True) == (True, "arming")
    assert rig.arm_request(True) == (True, "armed") and rig.board.state.armed


def test_a_fault_that_is_still_there_is_not_cleared(rig: Rig) -> None:
    rig.e_stop = True
    rig.run(50)
    assert rig.clear_fault() == (False, "refused: still present: e_stop")
    assert rig.board.state.fault == "e_stop"


def test_without_a_fault_there_is_nothing_to_clear(rig: Rig) -> None:
    assert rig.clear_fault() == (True, "no fault")


def test_a_flooded_line_is_read_in_portions(rig: Rig) -> None:
    taken = rig.board.feed_link(b"\xff" * 8000)
    rig.board.link_poll()
    assert rig.board.feed_link(b"\xff" * 8000) == 4096 + (8192 - taken), "sixteen times 256 bytes in one poll"


def test_an_observation_from_just_ahead_is_applied_and_not_timed(rig: Rig) -> None:
    """Its stamp lies in the future by less than the clock's bound: no time from photon to motor can be told."""
    assert rig.arm_request(True)[0]
    rig.run(2000)
    for tenths in range(0, 130, 2):
        rig.send(0.1, 0.0, rig.ros_ns + tenths * MS // 10)
        rig.run(20)
    rig.run(200)
    seen = [reference.source for reference in rig.published("rt/base/applied", m.TimeReference)]
    assert seen.count("applied") > rig.board.state.photon_to_motor_count > 0


def test_reports_that_find_no_room_lose_no_sample(rig: Rig) -> None:
    rig.arm_request(True)
    (taken, _reason), *_rest = Parameters(rig).set(topics__applied__rate_hz=1)
    assert taken
    rig.command = (0.1, 0.0)
    rig.run(1500)
    told = len(rig.published("rt/base/applied", m.TimeReference))
    assert rig.board.state.photon_to_motor_count > 30 > told


def test_a_link_thread_that_slept_goes_on_from_now(rig: Rig) -> None:
    rig.run(2000)
    before = len(rig.published("rt/diagnostics", m.DiagnosticArray))
    rig.now_ns += 300 * MS
    rig.run(600)
    after = len(rig.published("rt/diagnostics", m.DiagnosticArray))
    assert rig.board.state.client == "connected" and 1 <= after - before <= 8, "not what was slept through"


def test_a_lock_of_the_clock_is_told_as_soon_as_there_is_room(core_library: Path) -> None:
    """Nothing is confirmed after the connect, so that the first round of statuses fills the history."""
    rig = Rig(core_library)
    while rig.board.state.client != "connected":
        rig.step()
    assert rig.agent is not None and not rig.board.state.clock_locked
    transmit, acknack = rig.agent.transmit, 10

    def without_confirmations() -> bytes:
        frames = transmit().split(b"\x7e")[1:]
        return b"".join(b"\x7e" + frame for frame in frames if len(frame) > 8 and frame[8] != acknack)

    rig.agent.transmit = without_confirmations  # type: ignore[method-assign]
    rig.run(400)
    assert rig.board.state.clock_locked and rig.board.state.client == "connected"
    assert rig.diagnostics().get("base: clock", {}).get("locked") != "true"
    rig.agent.transmit = transmit  # type: ignore[method-assign]
    rig.run(300)
    assert rig.diagnostics()["base: clock"]["locked"] == "true"


# ---- statuses at every state of the link


def test_the_state_of_the_link_is_told_by_name(core: Core, core_library: Path) -> None:
    rig = Rig(core_library)
    seen = []
    for _ in range(100):
        state = rig.board.state.client
        seen.append(state)
        out = ctypes.create_string_buffer(480)
        write = core.library.takt_diagnostics_write
        write.restype = ctypes.c_size_t
        now = ctypes.c_uint64(rig.board.now_ns)
        size = write(rig.board._twin, 2, now, out, ctypes.c_size_t(480))
        (link,) = m.DiagnosticArray.from_cdr(out.raw[:size]).status
        assert link.message == state
        size = write(rig.board._twin, 1, now, out, ctypes.c_size_t(480))
        (clock,) = m.DiagnosticArray.from_cdr(out.raw[:size]).status
        values = {pair.key: pair.value for pair in clock.values}
        assert clock.message == ("locked" if rig.board.state.clock_locked else "not locked")
        assert (values["bound_us"] == "inf") == (rig.board.state.clock_epoch == 0) or values["epoch"] != "0"
        rig.step()
    assert list(dict.fromkeys(seen)) == ["disconnected", "connecting", "creating", "connected"]


def test_a_low_supply_is_told(rig: Rig) -> None:
    rig.sampling = False
    for _ in range(2500):
        rig.step()
        rig.board.set_encoders((0, 0), rig.now_ns, supply_mv=10_000)
    rig.run(1200)
    said = [a.status[0] for a in rig.published("rt/diagnostics", m.DiagnosticArray)]
    assert any(one.name == "base: motors" and one.message == "low supply" for one in said)


def test_a_gap_tells_its_range_and_its_causes(core: Core, rig: Rig) -> None:
    record = core.new("ledger_record", previous=3, first=1 << 32 | 4, last=2 << 32 | 5, late_ns=7, cycle=9)
    record.counts[:] = [1, 0, 2, 3]
    out = ctypes.create_string_buffer(480)
    write = core.library.takt_diagnostics_write_miss
    write.restype = ctypes.c_size_t
    size = write(rig.board._twin, ctypes.byref(record), ctypes.c_uint64(0), out, ctypes.c_size_t(480))
    (told,) = m.DiagnosticArray.from_cdr(out.raw[:size]).status
    values = {pair.key: pair.value for pair in told.values}
    assert told.message == values["cause"] == "gap" and "release_ns" not in values
    assert (values["first_boot"], values["first_sequence"]) == ("1", "4")
    assert (values["boot"], values["sequence"], values["previous"]) == ("2", "5", "3")
    causes = ("own_overrun", "late_release", "preempted", "skipped")
    assert [values[cause] for cause in causes] == ["1", "0", "2", "3"]
    assert write(rig.board._twin, ctypes.byref(record), ctypes.c_uint64(0), out, ctypes.c_size_t(99)) == 0


# ---- a port without watchdog, preemption or link


def test_a_port_needs_neither_watchdog_nor_processor_clock(core_library: Path) -> None:
    library = ctypes.CDLL(str(core_library))
    clock, drive = (
        ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_void_p),
        ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 2),
    )
    now, fed = [0], [0, 0]

    def count(which: int) -> Any:
        def called(*_given: object) -> None:
            fed[which] += 1

        return drive(called)

    calls = [clock(lambda _context: now[0]), count(0), count(1)]
    retained = Rig(core_library).board.retained
    pointers = [ctypes.cast(call, ctypes.c_void_p).value for call in calls]
    layout = struct.pack("<8Q", 0, pointers[0], 0, pointers[1], pointers[2], 0, 0, 0)
    layout += struct.pack("<QIB3xI4x", ctypes.addressof(retained), 0, 0, 3)
    platform, config = (
        ctypes.create_string_buffer(layout),
        ctypes.create_string_buffer(struct.pack("<IH2x", 7, 255)),
    )
    board = ctypes.create_string_buffer(library.takt_twin_size())
    library.takt_board_init(board, platform, config)
    library.takt_board_next_release.restype = ctypes.c_uint64
    for _ in range(5):
        release = library.takt_board_next_release(board, ctypes.c_uint64(now[0]))
        now[0] = max(now[0], release)
        library.takt_board_control_cycle(board, ctypes.c_uint64(release))
    assert now[0] == 4 * PERIOD and fed == [5, 5], "each cycle reads its encoder and drives"


# ---- parameters beyond what the services let through


@pytest.fixture
def lists(rig: Rig) -> Parameters:
    return Parameters(rig)


def test_lists_by_prefix_and_depth(lists: Parameters) -> None:
    everything = lists.list().names
    assert lists.list(["control"]).names == [name for name in everything if name.startswith("control.")]
    assert lists.list(["topics"], 1).names == []
    assert lists.list(["topics"], 2).names == [name for name in everything if name.startswith("topics.")]
    assert lists.list(["control.rate_hz"]).names == ["control.rate_hz"]
    assert (
        lists.list(["contr", "", "no.such", "a.name.much.longer.than.all.the.others.of.this.board"]).names
        == []
    )
    assert lists.list(["limits", "control"]).prefixes == ["control", "limits"]
    assert lists.list(["limits.speed_m_s", "control.kp_per_rad_s"]).prefixes == ["control", "limits"]
    assert lists.list([], 1).names == [] and len(lists.list([], 2).names) < len(everything)
    assert lists.list([], 3).names == everything


class Motion(ctypes.Structure):
    """takt_motion_t."""

    _fields_ = [("armed", ctypes.c_bool), ("standing", ctypes.c_bool)]


class Held:
    """takt_parameters_t alone."""

    def __init__(self, library: Path) -> None:
        self.memory = ctypes.create_string_buffer(8192)
        self.lib = ctypes.CDLL(str(library))
        self.lib.takt_parameters_init(self.memory)
        self.lib.takt_parameters_value.restype = ctypes.c_double
        self.lib.takt_parameters_restore.restype = ctypes.c_bool
        self.lib.takt_parameters_serve.restype = ctypes.c_size_t

    def restore(self, name: bytes, value: float) -> bool:
        return bool(self.lib.takt_parameters_restore(self.memory, name, ctypes.c_double(value)))

    def value(self, name: bytes) -> float:
        found = self.lib.takt_parameters_find(name, ctypes.c_size_t(len(name)))
        return float(self.lib.takt_parameters_value(self.memory, found))


def test_a_store_restores_what_may_be_and_counts_no_change(core_library: Path) -> None:
    held = Held(core_library)
    assert held.restore(b"control.kp_per_rad_s", 0.25) and held.value(b"control.kp_per_rad_s") == 0.25
    assert held.restore(b"limits.wheel_speed_rad_s", 20.0)
    for name, value in ((b"no.such", 1.0), (b"control.kp_per_rad_s", 9.0), (b"control.rate_hz", 100.0)):
        assert not held.restore(name, value)
    assert not held.restore(b"topics.applied.rate_hz", 2.5), "between two steps"
    assert held.value(b"control.kp_per_rad_s") == 0.25 and held.lib.takt_parameters_changes(held.memory) == 0


def test_a_request_larger_than_its_room_is_not_served(core_library: Path) -> None:
    held = Held(core_library)
    size = 100_000
    reply = ctypes.create_string_buffer(64)
    served = held.lib.takt_parameters_serve(
        held.memory, 3, bytes(size), ctypes.c_size_t(size), Motion(False, True), reply, ctypes.c_size_t(64)
    )
    assert served == 0


def test_the_control_thread_judges_a_new_set_again(core_library: Path) -> None:
    """Judged at rest, taken over while driving: left for the next cycle at rest."""
    held = Held(core_library)
    lib = held.lib
    lib.takt_tuning_take.restype = lib.takt_tuning_may_change.restype = ctypes.c_bool
    count = 17
    present = (ctypes.c_float * (count + 1))()
    lib.takt_tuning_init(present)
    wanted = (ctypes.c_float * (count + 1))(*present)
    assert held.restore(b"limits.speed_m_s", 0.5)
    lib.takt_parameters_hand_over(held.memory, wanted)
    config = ctypes.create_string_buffer(4096)
    assert not lib.takt_tuning_take(present, wanted, Motion(True, False), config)
    assert lib.takt_tuning_take(present, wanted, Motion(True, True), config)
    assert not lib.takt_tuning_take(present, wanted, Motion(True, True), config), "once"
    assert [lib.takt_tuning_may_change(rule, Motion(False, True)) for rule in range(5)] == [True] * 3 + [
        False
    ] * 2
