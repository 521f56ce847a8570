"""The firmware on the unix port, watched: what each control cycle takes from the heap. One line of JSON at the end.

The heap's map is printed around a few armed cycles: its letters tell the kinds of what a cycle made.
"""

import gc
import json
import sys

import main
import micropython
from takt_board.firmware import Firmware

_MAPPED = 5  # cycles
_SETTLE = 200  # armed cycles before the first is looked at


class Metered(Firmware):
    made = None

    def __init__(self, *arguments):
        Firmware.__init__(self, *arguments)
        Metered.made = self
        gc.collect()
        self.heap_at_start = gc.mem_alloc()
        self.armed_cycles = self.bytes_sum = self.bytes_max = self.heap_peak = 0
        self.kept = 0

    def control_cycle(self, release_ns):
        armed = self.control.safety.armed
        mapped = armed and _SETTLE <= self.armed_cycles < _SETTLE + _MAPPED
        if mapped:
            gc.collect()
            print("map before")
            micropython.mem_info(1)
        before = gc.mem_alloc()
        Firmware.control_cycle(self, release_ns)
        after = gc.mem_alloc()
        if mapped:
            print("map after")
            micropython.mem_info(1)
            print("map end")
        elif armed:
            self.note(after - before, after)
        if armed:
            self.armed_cycles += 1

    def note(self, used, after):
        self.bytes_sum += used
        if used > self.bytes_max:
            self.bytes_max = used
        if after > self.heap_peak:
            self.heap_peak = after

    def tell(self):
        gc.collect()
        self.kept = gc.mem_alloc()
        keys = ("armed_cycles", "bytes_sum", "bytes_max", "heap_at_start", "heap_peak", "kept")
        told = {key: getattr(self, key) for key in keys}
        told["heap_total"] = gc.mem_alloc() + gc.mem_free()
        told["native"] = "takt_board.control" not in sys.modules
        print("meter " + json.dumps(told))


main.run_unix(sys.argv[1:], Metered)
Metered.made.tell()
