"""Lets the tests of this folder import constant_model.py, which pytest's import mode does not."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
