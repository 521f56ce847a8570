"""Keeping processors awake: what is asked is what is written, and it ends with the block; a refusal says its fix."""

import os
import struct
from pathlib import Path

import pytest

from takt.realtime.wakefulness import DEVICE, held_awake


def held_us():
    return struct.unpack("<i", DEVICE.read_bytes())[0]


def open_here(path):
    return str(path) in {os.readlink(one) for one in Path("/proc/self/fd").iterdir() if one.is_symlink()}


@pytest.mark.skipif(not os.access(DEVICE, os.R_OK | os.W_OK), reason=f"{DEVICE} is closed to this user")
def test_the_kernel_holds_what_was_asked_until_the_block_ends():
    with held_awake(7) as granted:
        assert granted.granted_us == 7
        assert held_us() <= 7
        assert open_here(DEVICE)
    assert not open_here(DEVICE)  # the value itself may be held on by another program


def test_nothing_asked_opens_nothing(tmp_path):
    device = tmp_path / "latency"
    device.touch()
    with held_awake(-1, device) as granted:
        assert granted.granted_us is None
        assert granted.warning == ""
    assert device.read_bytes() == b""


def test_four_bytes_are_written(tmp_path):
    device = tmp_path / "latency"
    device.touch()
    with held_awake(20, device):
        assert device.read_bytes() == struct.pack("<i", 20)


def test_a_kernel_without_the_device_is_a_warning(tmp_path):
    with held_awake(0, tmp_path / "none") as granted:
        assert granted.granted_us is None
        assert "Fix:" in granted.warning


def test_a_refusal_says_how_to_be_granted(tmp_path, monkeypatch):
    def refuse(*_arguments):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(os, "open", refuse)
    with held_awake(0, tmp_path / "latency") as granted:
        assert granted.granted_us is None
        assert "udevadm" in granted.warning
