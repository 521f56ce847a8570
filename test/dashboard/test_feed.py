"""What goes into a view: nothing that lay here for long, small pictures where asked, and the time it was waited for."""

from __future__ import annotations

import asyncio
import io
import json
import struct
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from PIL import Image

import takt.contract
from takt.dashboard import PictureTaker, RobotState
from takt.dashboard.feed import Feed, Seen, View
from takt.dashboard.picture import Picture

TAKEN_S = 100.0


@pytest.fixture
def feed() -> Feed:
    return Feed(RobotState(takt.contract.load()), PictureTaker("takt_test_no_ring"), rate_hz=200.0)


def view_at(begun_s: float) -> View:
    buffer = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 255, (240, 320, 3), np.uint8)
    Image.fromarray(noise).save(buffer, "JPEG", quality=80)
    picture = Picture(7, 10**18, 320, 240, TAKEN_S, [], buffer.getvalue())
    return View(3, begun_s, {"now_ms": 1.0}, picture, 1)


def parsed(message: bytes) -> tuple[dict[str, Any], bytes]:
    length = struct.unpack("<I", message[:4])[0]
    return json.loads(message[4 : 4 + length]), message[4 + length :]


def test_a_picture_of_a_camera_that_stands_still_is_not_sent_to_who_comes_later(feed: Feed) -> None:
    for age_s, sent in ((0.9, True), (1.1, False)):
        shown, jpeg = parsed(view_at(TAKEN_S + age_s).message(Seen(), feed, 0.0))
        assert ("picture" in shown, bool(jpeg)) == (sent, sent)


def test_a_small_picture_is_of_the_same_frame_and_much_smaller(feed: Feed) -> None:
    view = view_at(TAKEN_S)
    whole, jpeg = parsed(view.message(Seen(), feed, 0.0))
    small, small_jpeg = parsed(view.message(Seen(), feed, 12.345, small=True))
    assert small["picture"] == whole["picture"] and small["picture"]["width_px"] == 320
    assert Image.open(io.BytesIO(small_jpeg)).size == (160, 120) and len(small_jpeg) < 0.3 * len(jpeg)
    assert small["waited_ms"] == pytest.approx(12.345, abs=0.01)


def test_a_pictures_age_is_by_the_clock_that_stamped_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """A simulation's time is another one than that of this computer."""
    simulated_ns = 5_000_000_000
    pictures = PictureTaker("takt_test_no_ring")
    taken = replace(view_at(TAKEN_S).picture, capture_stamp_ns=simulated_ns - 20_000_000)
    monkeypatch.setattr(pictures, "take", lambda now_s: taken)
    feed = Feed(RobotState(takt.contract.load()), pictures, 200.0, lambda: simulated_ns)

    async def look() -> View:
        making = asyncio.create_task(feed.run())
        feed.join()
        view = await feed.made_after(0.0)
        making.cancel()
        return view

    assert asyncio.run(look()).state["picture_age_ms"] == 20.0


def test_nobody_gets_what_was_begun_before_it_was_asked_for(feed: Feed) -> None:
    async def look() -> list[tuple[float, float]]:
        loop = asyncio.get_running_loop()
        making, found = asyncio.create_task(feed.run()), []
        feed.join()
        for _ in range(5):
            asked_s = loop.time()  # the steady clock, too
            found.append((asked_s, (await feed.made_after(asked_s)).begun_s))
        making.cancel()
        return found

    for asked_s, begun_s in asyncio.run(look()):
        assert begun_s > asked_s
