"""What the doctor takes for needed is what the package says it needs, and its pins are those of the requirements."""

from __future__ import annotations

import re

from takt import resources
from takt.doctor.software import NEEDED, numbers, pin


def test_it_asks_for_what_the_package_installs():
    text = (resources.path("firmware").parent / "setup.py").read_text()
    listed = re.search(r"install_requires=\[(.*?)\]", text, re.DOTALL)[1]
    assert set(re.findall(r'"([^"]+)"', listed)) == {*NEEDED.values(), "numpy", "onnxruntime"}


def test_the_pin_is_that_of_this_very_python():
    text = resources.path("requirements/base.txt").read_text()
    newer = re.search(r'^numpy==(\S+); python_version >= "3.11"', text, re.MULTILINE)[1]
    older = re.search(r'^numpy==(\S+); python_version < "3.11"', text, re.MULTILINE)[1]
    assert (pin("numpy", (3, 12)), pin("numpy", (3, 10))) == (newer, older)
    assert pin("pyserial", (3, 12)) == "3.5"
    assert pin("no-such-package", (3, 12)) is None


def test_versions_are_compared_as_numbers():
    assert numbers("1.9.2") < numbers("1.21.0rc1")
