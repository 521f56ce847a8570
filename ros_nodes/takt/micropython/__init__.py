"""The MicroPython firmware from the host's side: compile its modules, start it, flash it, prove and measure it."""
