"""The ledger of board and nodes in small, and that its judge sees a miss that is gone, twice or blamed otherwise."""

import json

import pytest

from takt.deadlines.miss import Miss
from takt.simulation.host_ledger_chaos import NodeTruth
from takt.simulation.host_ledger_proof import compare_nodes, run_segment

TRUTH = {"planner": {7: NodeTruth({1: "clock", 2: "gc_pause", 3: "clock"}), 8: NodeTruth({})}}


def rows(*told):
    made = [Miss("planner", 7, n, "plan", 1, 0, 1, cause, evidence) for n, cause, evidence in told]
    return [json.loads(miss.to_json()) for miss in made]


WHOLE = ((1, "clock", {}), (2, "gc_pause", {}), (3, "clock", {}))


def test_a_whole_ledger_is_right_also_where_a_gap_stands_for_several():
    assert compare_nodes(TRUTH, rows(*WHOLE)) == ([], 3)
    gap = (2, "gap", {"misses": 2.0, "first_sequence": 1.0, "clock": 1.0, "gc_pause": 1.0})
    assert compare_nodes(TRUTH, rows(gap, WHOLE[2])) == ([], 3)


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ((WHOLE[0], WHOLE[2]), "number 2 is next"),
        ((*WHOLE, WHOLE[2]), "number 4 is next"),
        (WHOLE[:2], "ends with 2"),
        ((WHOLE[0], (2, "clock", {}), WHOLE[2]), "the file says"),
        ((WHOLE[1], WHOLE[0], WHOLE[2]), "number 1 is next"),
        (((2, "gap", {"misses": 2.0, "first_sequence": 1.0, "clock": 2.0}), WHOLE[2]), "the file says"),
    ],
)
def test_what_is_gone_twice_or_otherwise_is_seen(told, says):
    wrong, _ = compare_nodes(TRUTH, rows(*told))
    assert any(says in line for line in wrong)


def test_an_epoch_that_nobody_had_is_seen():
    assert "no epoch 7" in compare_nodes({"planner": {}}, rows(WHOLE[0]))[0][0]


def test_a_few_thousand_cycles_of_kills_come_out_exact(library, shipped_contract):
    found = run_segment(library, shipped_contract, 7, 4_000)
    assert found["wrong"] == []
    assert found["host_misses"] > 500
    assert found["gaps"] > 0
