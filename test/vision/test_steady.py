"""Perception keeps nothing of a frame: the long proof in small."""

from __future__ import annotations

import pytest

from takt.vision import steady


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(steady, "_WARM_UP_FRAMES", 40)


def test_nothing_is_kept_of_a_frame() -> None:
    report = steady.run(100)
    assert report["ok"] and report["frames"] == 100
    assert float(str(report["kept_bytes_a_frame"])) <= 1024


def test_a_leak_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[bytes] = []
    frame = steady._Road.frame

    def leaky(road: steady._Road) -> None:
        frame(road)
        kept.append(bytes(5000))

    monkeypatch.setattr(steady._Road, "frame", leaky)
    assert not steady.run(60)["ok"]
