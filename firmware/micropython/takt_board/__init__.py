"""The board's firmware in MicroPython; the C in firmware/core is what it follows, file by file."""
