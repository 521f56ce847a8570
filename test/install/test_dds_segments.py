"""Shared memory of killed processes goes, that of living ones stays."""

from __future__ import annotations

import fcntl
import os
import time

from takt.install.dds_segments import remove_stale

OLD = time.time() - 100.0


def segment(folder, name: str, size: int = 1000):
    path = folder / name
    path.write_bytes(bytes(size))
    lock = folder / f"{name}_el"
    lock.touch()
    for file in (path, lock):
        os.utime(file, (OLD, OLD))
    return path, lock


def test_only_the_segment_without_an_owner_goes(tmp_path):
    dead, dead_lock = segment(tmp_path, "fastdds_0123456789abcdef")
    living, living_lock = segment(tmp_path, "fastdds_fedcba9876543210")
    other = tmp_path / "takt_camera"
    other.touch()
    with living_lock.open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        assert remove_stale(tmp_path) == 1000
    assert not dead.exists() and not dead_lock.exists()
    assert living.exists() and living_lock.exists() and other.exists()


def test_a_segment_that_is_just_being_made_stays(tmp_path):
    young, _ = segment(tmp_path, "fastdds_0123456789abcdef")
    assert remove_stale(tmp_path, now_s=OLD + 5.0) == 0
    assert young.exists()


def test_nothing_there_is_fine(tmp_path):
    assert remove_stale(tmp_path) == 0
