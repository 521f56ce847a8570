"""Supply voltage: low and brown-out, from the samples of the hardware edge (firmware/core, supply.c)."""

import takt_contract as contract

_LOW_CYCLES = contract.CONTROL_RATE_HZ
_BROWN_OUT_CYCLES = contract.CONTROL_RATE_HZ // 10


class Supply:
    def __init__(self):
        self.below_low = 0  # samples in a row, saturating
        self.below_brown_out = 0
        self.low = False  # a warning
        self.brown_out = False  # too little to drive with; ends once the supply is above low again

    def update(self, supply_mv):
        """Once for each new sample. 0: this board does not measure its supply."""
        if supply_mv == 0:
            self.below_low = self.below_brown_out = 0
            self.low = self.brown_out = False
            return
        low_mv = contract.SAFETY_SUPPLY_LOW_MV
        brown_out_mv = contract.SAFETY_SUPPLY_BROWN_OUT_MV
        self.below_low = min(self.below_low + 1, _LOW_CYCLES) if supply_mv < low_mv else 0
        below = min(self.below_brown_out + 1, _BROWN_OUT_CYCLES) if supply_mv < brown_out_mv else 0
        self.below_brown_out = below
        self.low = low_mv > 0 and self.below_low >= _LOW_CYCLES
        if brown_out_mv > 0 and below >= _BROWN_OUT_CYCLES:
            self.brown_out = True
        elif supply_mv >= low_mv:
            self.brown_out = False
