# Freezes the firmware into the unix port.
include("../manifest.py", port="unix")
