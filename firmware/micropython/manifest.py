# Freezes the firmware into a MicroPython build: code stays in flash, its heap holds data alone. PORT: boards or unix.
#   make -C micropython/ports/stm32 BOARD=... FROZEN_MANIFEST=.../firmware/micropython/manifest.py
options.defaults(port="boards")
package("takt_board", base_path=".", opt=3)
module("takt_contract.py", base_path="generated", opt=3)
module("takt_messages.py", base_path="generated", opt=3)
module("main.py", base_path=".", opt=3)
if options.port == "unix":
    for name in ("line.py", "unix_board.py"):
        module(name, base_path="unix", opt=3)
else:
    include("$(PORT_DIR)/boards/manifest.py")
    for name in ("board.py", "encoders.py", "pins.py"):
        module(name, base_path="boards", opt=3)
