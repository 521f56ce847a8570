"""Repeats the C core's control cycles, each from the state in which C began it: CASES RESULTS COUNT (files, number)."""

import sys

from c_layout import SIZES
from c_structs import load_control, load_inputs, store_control, store_outputs, view
from takt_board.control import Control
from takt_board.inputs import Inputs

_INPUTS = SIZES["takt_inputs_t"]
_STATE = SIZES["takt_control_t"]
_OUTPUTS = SIZES["takt_outputs_t"]


def repeat(cases, results, count):
    case = bytearray(_INPUTS + _STATE)
    result = bytearray(_OUTPUTS + _STATE)
    nothing = bytes(_OUTPUTS)
    c_inputs = view("takt_inputs_t", case)
    c_before = view("takt_control_t", case, _INPUTS)
    c_outputs = view("takt_outputs_t", result)
    c_after = view("takt_control_t", result, _OUTPUTS)
    control, inputs = Control(), Inputs()
    state = memoryview(case)[_INPUTS:]
    for _ in range(count):
        cases.readinto(case)
        load_inputs(c_inputs, inputs)
        load_control(c_before, control)
        control.tick(inputs)
        result[:_OUTPUTS] = nothing
        result[_OUTPUTS:] = state
        store_outputs(control, c_outputs)
        store_control(control, c_after)
        results.write(result)


if __name__ == "__main__":
    with open(sys.argv[1], "rb") as cases, open(sys.argv[2], "wb") as results:
        repeat(cases, results, int(sys.argv[3]))
