"""ROS input by file descriptor, and the wait set that stands in where that is not to be had."""

from __future__ import annotations

import time

import pytest

rclpy = pytest.importorskip("rclpy", reason="ROS 2 is not available to Python")

from rclpy.context import Context  # noqa: E402
from std_msgs.msg import Int32  # noqa: E402

from takt.link.transports.reactor import Reactor  # noqa: E402
from takt.nodes import ros_events  # noqa: E402
from takt.nodes.ros_events import RosEvents  # noqa: E402

LIMIT_S = 120.0


@pytest.fixture(params=["eventfd", "wait set"])
def taken(request, monkeypatch):
    """Publishes 20 numbers to a subscription; returns those that were taken."""
    if request.param == "wait set":
        monkeypatch.setattr(ros_events, "_setters", dict)
    context = Context()
    rclpy.init(context=context)
    node = rclpy.create_node("numbers", context=context, start_parameter_services=False)
    reactor, heard = Reactor(), []
    events = RosEvents(reactor)
    publisher = node.create_publisher(Int32, "numbers", 100)
    end = node.create_subscription(Int32, "numbers", lambda message: None, 100)

    def take(handle) -> bool:
        found = handle.take_message(Int32, False)
        if found:
            heard.append(found[0].data)
        return bool(found)

    limit_s = time.monotonic() + LIMIT_S
    while publisher.get_subscription_count() == 0:
        assert time.monotonic() < limit_s, "the two ends did not find each other"
        time.sleep(0.01)
    publisher.publish(Int32(data=0))
    events.watch("subscription", end, take, context)
    yield publisher, reactor, events, end, heard
    events.close()
    reactor.close()
    node.destroy_node()
    context.try_shutdown()


def test_all_that_is_published_is_taken_in_order(taken):
    publisher, reactor, events, end, heard = taken
    for number in range(1, 21):
        publisher.publish(Int32(data=number))
    limit_s = time.monotonic() + LIMIT_S
    while (not heard or heard[-1] != 20) and time.monotonic() < limit_s:
        reactor.turn(10_000_000)
    assert heard[-20:] == list(range(1, 21))
    events.forget(end)
    publisher.publish(Int32(data=99))
    reactor.turn(50_000_000)
    assert heard[-1] == 20


def test_a_flood_at_one_end_leaves_the_others_their_turn(taken):
    """Of a hundred that wait, a turn takes a batch; none is lost, and none is looked for that is not there."""
    publisher, reactor, events, end, heard = taken
    if ros_events._setters() == {}:
        pytest.skip("the stand-in has its own batches")
    for number in range(1, 100):
        publisher.publish(Int32(data=number))
    limit_s = time.monotonic() + LIMIT_S
    while (not heard or heard[-1] != 99) and time.monotonic() < limit_s:
        before = len(heard)
        reactor.turn(10_000_000)
        assert len(heard) - before <= ros_events._BATCH
    assert heard[-99:] == list(range(1, 100))
