"""A line that lets no whole message through is a lossy one as soon as it shows damage, not a silent board."""

import struct
import time
from types import SimpleNamespace

from takt.deadlines import blame
from takt.link.stats import LinkStats
from takt.nodes.agent_deadlines import AgentDeadlines
from takt.nodes.agent_settings import settings

MS = 1_000_000


def deadlines_with(core):
    made = AgentDeadlines(None, "", settings(), time.time_ns)
    made.watch([core], lambda: 0)
    return made


def test_damage_is_counted_while_no_message_comes_through():
    core = SimpleNamespace(stats=LinkStats(rx=1, bytes_rx=40), lost=0)
    made, begin_ns = deadlines_with(core), time.monotonic_ns()
    made._watch_line(begin_ns - 60 * MS)
    silent = made._evidence(begin_ns - 30 * MS, 0)
    assert silent["line_is_silent"] == 1.0 and silent["link_lost"] == 0
    core.stats.bytes_rx, core.lost = 55, 1  # part of a frame, cut short
    made._watch_line(begin_ns - 10 * MS)
    found = made._evidence(begin_ns - 30 * MS, 0)
    assert found["link_lost"] == 1 and "line_is_silent" not in found
    assert blame.decide(found, 20.0) == "link_loss"


def test_without_any_bytes_its_next_word_is_waited_for():
    core = SimpleNamespace(stats=LinkStats(rx=1, bytes_rx=40), lost=0)
    made, now_ns = deadlines_with(core), time.monotonic_ns()
    made._watch_line(now_ns - 60 * MS)
    made._watch_line(now_ns)
    assert made._evidence(now_ns - 30 * MS, 0)["line_is_silent"] == 1.0


def test_after_a_silence_a_word_with_a_stamp_is_waited_for():
    core = SimpleNamespace(stats=LinkStats(rx=1, bytes_rx=40), lost=0)
    made, now_ns = deadlines_with(core), time.monotonic_ns()
    made._watch_line(now_ns - 70 * MS)
    made._turn_ns = time.monotonic_ns()
    core.stats.rx, core.stats.bytes_rx = 2, 80  # of an unknown age
    made._watch_line(time.monotonic_ns())
    assert made._evidence(now_ns - 30 * MS, 0)["line_is_silent"] == 1.0
    stamp_ns = time.time_ns() - 60 * MS
    made._on_joint_states(bytes(4) + struct.pack("<iI", *divmod(stamp_ns, 1_000_000_000)))
    assert "line_is_silent" not in made._evidence(now_ns - 30 * MS, 0)
