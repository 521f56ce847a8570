"""The bench's watches: when a line was in the file, and when a row was on the page."""

import json

from takt.deadline_bench.ledger_watch import seen
from takt.deadline_bench.page_watch import read

ONE, TWO, THREE = (json.dumps({"sequence": n}).encode() + b"\n" for n in (1, 2, 3))


def test_a_line_is_there_when_the_file_is_as_long_as_its_end():
    content = ONE + TWO + THREE
    half_of_two = len(ONE) + len(TWO) // 2
    found = seen(content, [(100, len(ONE)), (200, half_of_two), (300, len(content))])
    assert [(one.row["sequence"], one.on_disk_ns) for one in found] == [(1, 100), (2, 300), (3, 300)]


def test_a_line_that_the_watch_never_saw_has_no_time():
    assert [one.row["sequence"] for one in seen(ONE + TWO, [(100, len(ONE))])] == [1]


def test_a_row_counts_from_the_first_view_that_brought_it_and_a_cut_off_line_not_at_all():
    first = {"at_ns": 5, "rows": [["planner", 7, 1]]}
    again = {"at_ns": 9, "rows": [["planner", 7, 1], ["base", 1, 4]]}
    told = json.dumps(first) + "\n" + json.dumps(again) + "\n" + '{"at_ns": 12, "rows'
    shown, views = read(told)
    assert shown == {("planner", 7, 1): 5, ("base", 1, 4): 9}
    assert views == [5, 9]
