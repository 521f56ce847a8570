"""The C core's own tests of gate, safety, encoders and shaping, against the MicroPython modules on a real VM."""

from __future__ import annotations

from test_age_gate import *  # noqa: F403
from test_encoder import *  # noqa: F403
from test_safety import *  # noqa: F403
from test_shaping import *  # noqa: F403

del test_the_binding_names_states_as_the_core_does  # noqa: F821  # speaks of the library alone
del test_unknown_verdicts_have_a_name  # noqa: F821  # guards an array of C; here a wrong index raises by itself
