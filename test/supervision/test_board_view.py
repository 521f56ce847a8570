"""BoardView: doubt reads as disarmed, SAFE and unlocked."""

import math

from takt.deadlines import Rung
from takt.supervision.board_view import BoardView


def test_nothing_heard_means_the_safest_reading():
    view = BoardView()
    assert (view.armed, view.rung, view.clock_locked) == (False, Rung.SAFE, False)
    assert math.isinf(view.age_ms(123))


def test_it_reads_what_the_board_says():
    view = BoardView()
    view.learn("base: safety", {"rung": "HOLD", "armed": "true", "fault": "none"})
    view.learn("base: clock", {"locked": "true"})
    assert (view.armed, view.rung, view.clock_locked, view.fault) == (True, Rung.HOLD, True, "")
    view.learn("base: safety", {"rung": "nonsense", "armed": "maybe", "fault": "encoder_left"})
    assert (view.armed, view.rung, view.fault) == (False, Rung.SAFE, "encoder_left")


def test_a_restarted_board_is_forgotten():
    view = BoardView()
    view.learn("base: safety", {"rung": "NOMINAL", "armed": "true"})
    view.forget()
    assert not view.armed


def test_age_is_in_milliseconds():
    view = BoardView()
    view.hear(1_000_000_000)
    assert view.age_ms(1_250_000_000) == 250.0
