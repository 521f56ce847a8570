"""LineWatch tells a slow line, a lossy one and a silent board apart; AnswerWatch finds commands applied late."""

import pytest

from takt.deadlines import blame
from takt.link.line_watch import AnswerWatch, LineWatch
from takt.link.streams import BestEffortIn

MS = 1_000_000
S = 1_000 * MS


def quiet_line(until_ms=1000, age_ms=2.0):
    line = LineWatch()
    for at_ms in range(10, until_ms + 1, 10):
        line.heard(at_ms * MS)
        line.aged(at_ms * MS, round(age_ms * MS))
        line.counted(at_ms * MS, 7)
    return line


def cause(line, begin_ms, now_ms, late_ms=20.0):
    return blame.decide(line.between(begin_ms * MS, now_ms * MS), late_ms)


def test_a_quiet_line_gives_no_cause():
    assert quiet_line().between(900 * MS, 1000 * MS) == {
        "link_lost": 0,
        "link_silence_ms": 0.0,
        "link_delay_ms": 0.0,
    }


def test_a_line_with_delay_is_silent_once_and_then_tells_old_news():
    line = quiet_line()
    for at_ms in range(1070, 1200, 10):
        line.heard(at_ms * MS)
        line.aged(at_ms * MS, 62 * MS)
    assert cause(line, 1000, 1080) == "link_delay"


def test_a_board_whose_link_thread_stood_still_is_silent_and_then_tells_fresh_news():
    line = quiet_line()
    for at_ms in range(1070, 1100, 10):
        line.heard(at_ms * MS)
        line.aged(at_ms * MS, 3 * MS)
    assert cause(line, 1000, 1080) == "link_blocked"


def test_a_silence_that_goes_on_counts_as_far_as_it_has_come():
    assert quiet_line().between(1000 * MS, 1045 * MS)["link_silence_ms"] == 45.0


def test_missing_messages_are_loss_whatever_else_there_was():
    line = quiet_line()
    line.heard(1060 * MS)
    line.aged(1060 * MS, 50 * MS)
    line.counted(1060 * MS, 9)
    assert line.between(1000 * MS, 1060 * MS)["link_lost"] == 2
    assert cause(line, 1000, 1060) == "link_loss"


def test_a_miss_of_the_board_itself_is_the_boards():
    line = quiet_line()
    line.board_missed(1050 * MS)
    assert cause(line, 1000, 1060) == "board_late"
    assert "board_late_ms" not in line.between(1055 * MS, 1060 * MS)


def test_numbers_left_out_of_a_best_effort_stream_are_counted_once():
    stream = BestEffortIn()
    assert [stream.accept(n) for n in (40, 41, 44, 43, 45)] == [True, True, True, False, True]
    assert stream.lost == 2


@pytest.fixture
def answers():
    watch = AnswerWatch(16 * MS)
    watch.answer(1, S, True, S)  # the board applies what it gets
    return watch


def test_a_command_that_was_applied_in_time_is_none_of_ours(answers):
    answers.written(2, S + 10 * MS)
    assert answers.answer(2, S + 26 * MS, True, S + 30 * MS) is None
    assert answers.overdue(2 * S) == []


def test_a_late_one_is_told_with_both_times(answers):
    answers.written(2, S + 10 * MS)
    assert answers.answer(2, S + 27 * MS, True, S + 30 * MS) == (S + 10 * MS, S + 27 * MS, False)


def test_one_that_only_its_repetition_brought_in_time_was_lost(answers):
    answers.written(2, S + 10 * MS)
    answers.written(2, S + 30 * MS)
    assert answers.answer(2, S + 36 * MS, True, S + 40 * MS) == (S + 10 * MS, S + 36 * MS, True)


def test_without_an_answer_it_is_overdue_after_the_time_that_a_report_takes(answers):
    answers.written(2, S + 10 * MS)
    assert answers.overdue(S + 51 * MS) == []
    assert answers.overdue(S + 52 * MS) == [S + 10 * MS]
    assert answers.overdue(S + 60 * MS) == []
    assert answers.answer(2, S + 60 * MS, True, S + 61 * MS) is None


def test_a_board_that_does_not_apply_owes_no_answer(answers):
    answers.written(2, 3 * S)
    assert answers.overdue(4 * S) == []
    answers.written(3, S + 10 * MS)
    assert answers.answer(3, S + 50 * MS, False, S + 50 * MS) is None


def test_one_that_a_newer_observation_overtook_was_never_to_be_applied(answers):
    answers.written(2, S + 10 * MS)
    answers.written(3, S + 12 * MS)
    assert answers.answer(3, S + 20 * MS, True, S + 22 * MS) is None
    assert answers.overdue(2 * S) == []
