"""Sources give pictures of the size asked for, or say what is wrong."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from takt.deadlines import StageClock
from takt.errors import TaktError
from takt.frames import FrameRing
from takt.vision.capture import Capture
from takt.vision.sources import SourceSettings, faulty, open_source
from takt.vision.sources.clock import RosStamp


def wait_until(holds: Callable[[], bool], limit_s: float = 120.0) -> None:
    end_s = time.monotonic() + limit_s
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.005)


def settings(kind: str, **more: object) -> SourceSettings:
    return SourceSettings(kind, 32, 24, 30, **more)  # type: ignore[arg-type]


def test_a_folder_is_shown_in_order_and_over_again(tmp_path: Path) -> None:
    for number, size in ((1, (64, 48)), (2, (1, 1)), (3, (31, 500))):
        Image.new("RGB", size, (number, 2 * number, 3 * number)).save(tmp_path / f"{number}.png")
    (tmp_path / "notes.txt").write_text("no picture")
    source, pixels = open_source(settings("images", folder=str(tmp_path))), np.empty((24, 32, 3), np.uint8)
    before_ns = time.time_ns()
    for number in (1, 2, 3, 1):
        stamp_ns = source.read_into(pixels)
        assert (pixels == (number, 2 * number, 3 * number)).all()
        assert before_ns <= stamp_ns <= time.time_ns()
    source.close()


def test_an_empty_or_absent_folder_is_named(tmp_path: Path) -> None:
    for folder in (tmp_path, tmp_path / "gone"):
        with pytest.raises(TaktError, match="holds no pictures"):
            open_source(settings("images", folder=str(folder)))


def test_a_truncated_picture_is_named(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "cut.jpg")
    whole = (tmp_path / "cut.jpg").read_bytes()
    (tmp_path / "cut.jpg").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TaktError, match="cut.jpg is no whole picture"):
        open_source(settings("images", folder=str(tmp_path)))
    (tmp_path / "cut.jpg").write_bytes(b"")
    with pytest.raises(TaktError, match="cut.jpg is no whole picture"):
        open_source(settings("images", folder=str(tmp_path)))


def test_without_opencv_a_camera_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cv2", None)
    with pytest.raises(TaktError, match="opencv-python-headless"):
        open_source(settings("v4l2"))


def test_an_absent_camera_is_named() -> None:
    pytest.importorskip("cv2")
    with pytest.raises(TaktError, match="/dev/no_camera does not exist"):
        open_source(settings("v4l2", device="/dev/no_camera"))


def test_an_absent_plant_is_named() -> None:
    with pytest.raises(TaktError, match="no plant state"):
        open_source(settings("mujoco", plant_state="takt_test_no_plant"))


class FakeCapture:
    """A driver that gives grey pictures whose level is their number, and is unplugged after two of them."""

    opened = 0

    def __init__(self, device: str, api: int) -> None:
        FakeCapture.opened += 1
        self.number, self.released = 0, False

    def isOpened(self) -> bool:
        return True

    def set(self, key: int, value: float) -> None:
        pass

    def get(self, key: int) -> float:
        return time.monotonic_ns() / 1e6 - 12.0  # stamped 12 ms ago by the driver

    def read(self) -> tuple[bool, np.ndarray | None]:
        self.number += 1
        return (
            (False, None) if self.number > 2 else (True, np.full((48, 64, 3), (1, 2, self.number), np.uint8))
        )

    def release(self) -> None:
        self.released = True


def test_a_camera_gives_the_drivers_stamp_and_says_when_it_is_gone(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    cv2 = pytest.importorskip("cv2")
    monkeypatch.setattr(cv2, "VideoCapture", FakeCapture)
    (tmp_path / "video0").touch()
    source, pixels = (
        open_source(settings("v4l2", device=str(tmp_path / "video0"))),
        np.empty((24, 32, 3), np.uint8),
    )
    stamp_ns = source.read_into(pixels)
    age_ms = (time.time_ns() - stamp_ns) / 1e6
    assert 12.0 <= age_ms < 60_000.0 and (pixels == (1, 2, 1)).all(), "bgr becomes rgb"
    assert source.read_into(pixels) > stamp_ns
    with pytest.raises(TaktError, match="gave no picture"):
        source.read_into(pixels)
    source.close()


@pytest.fixture
def film(tmp_path: Path) -> Path:
    cv2 = pytest.importorskip("cv2")
    path = tmp_path / "film.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"MJPG"), 25.0, (64, 48))
    for level in (40, 80, 120):
        writer.write(np.full((48, 64, 3), level, np.uint8))
    writer.release()
    return path


def test_a_film_is_shown_and_starts_over(film: Path) -> None:
    source, pixels = open_source(settings("video", file=str(film))), np.empty((24, 32, 3), np.uint8)
    for level in (40, 80, 120, 40):
        source.read_into(pixels)
        assert abs(int(pixels.mean()) - level) <= 3
    source.close()


def test_a_film_once_has_its_own_size_and_an_end(film: Path) -> None:
    once = SourceSettings.of_video(str(film))
    assert (once.width_px, once.height_px, once.rate_hz) == (64, 48, 25)
    source, pixels = open_source(once), np.empty((48, 64, 3), np.uint8)
    for _ in range(3):
        source.read_into(pixels)
    with pytest.raises(EOFError):
        source.read_into(pixels)


def test_what_is_no_film_is_named(tmp_path: Path) -> None:
    pytest.importorskip("cv2")
    with pytest.raises(TaktError, match="does not exist"):
        SourceSettings.of_video(str(tmp_path / "gone.mp4"))
    (tmp_path / "no.mp4").write_bytes(b"no film at all")
    with pytest.raises(TaktError, match="cannot be read"):
        SourceSettings.of_video(str(tmp_path / "no.mp4"))


def test_stamps_become_ros_time_in_one_place() -> None:
    def ros_ns() -> int:
        return 10_000_000_000

    def monotonic_ns() -> int:
        return 500_000_000

    assert RosStamp("none", ros_ns, monotonic_ns).of(123) == 10_000_000_000
    assert RosStamp("ros", ros_ns, monotonic_ns).of(123) == 123
    driver = RosStamp("monotonic", ros_ns, monotonic_ns)
    assert driver.of(480_000_000) == 9_980_000_000 and driver.implausible == 0
    assert driver.of(600_000_000) == 10_000_000_000, "a stamp from the future is no stamp"
    assert driver.of(-700_000_000) == 10_000_000_000 and driver.implausible == 2


def test_unknown_kinds_and_missing_parts_are_refused() -> None:
    with pytest.raises(TaktError, match="no image source 'film'"):
        settings("film")
    with pytest.raises(TaktError, match="has no folder"):
        settings("images")
    with pytest.raises(TaktError, match="has no file"):
        settings("video")


class _Steady:
    """A source that always has a white picture."""

    def __init__(self) -> None:
        self.closed = False

    def read_into(self, pixels: np.ndarray) -> int:
        pixels[...] = 255
        return 7

    def close(self) -> None:
        self.closed = True


def test_a_camera_that_is_unplugged_in_mid_run_is_opened_again_by_itself(tmp_path) -> None:
    name, fault = f"takt_test_{os.getpid()}", ["none"]
    said: list[str] = []
    fast = SourceSettings("images", 32, 24, 200, folder=str(tmp_path))
    with FrameRing.create(name, 32, 24) as ring:
        capture = Capture(
            fast,
            ring,
            StageClock("capture", 10.0),
            said.append,
            opener=lambda _settings: faulty.open_unless_unplugged(_Steady, lambda: fault[0]),
        )
        capture.start()
        try:
            wait_until(lambda: ring.newest_sequence > 3)
            fault[0] = "covered"
            wait_until(lambda: (frame := ring.newest()) is not None and not frame.pixels.any())
            fault[0] = "unplugged"
            wait_until(lambda: not capture.source_open)
            last = ring.newest_sequence
            fault[0] = "none"
            wait_until(lambda: ring.newest_sequence > last + 3)
        finally:
            capture.stop()
            FrameRing.remove(name)
    assert sum("unplugged" in line for line in said) == 1


@pytest.mark.parametrize("text", ["melted", "slow", "slow:x", "covered:3"])
def test_an_unknown_camera_fault_is_refused(text: str) -> None:
    with pytest.raises(TaktError, match="no camera fault"):
        faulty.checked(text)
    assert faulty.checked("slow:2.5") == "slow:2.5"
