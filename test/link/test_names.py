"""DDS names to ROS names."""

from __future__ import annotations

import pytest

from takt.link.names import node_name, ros_service, ros_topic, ros_type, service_type


def test_topics_and_services():
    assert ros_topic("rt/chatter") == "/chatter"
    assert ros_topic("rt/base/applied") == "/base/applied"
    assert ros_topic("HelloWorldTopic") is None
    assert ros_topic("rt/9lives") is None
    assert ros_topic("rt/a//b") is None
    assert ros_service("/base/arm") == ros_service("base/arm") == "/base/arm"


def test_types():
    assert ros_type("std_msgs::msg::dds_::Int32_") == ("std_msgs", "msg", "Int32")
    assert ros_type("HelloWorld") is None
    assert service_type("std_srvs::srv::dds_::SetBool_Request_") == ("std_srvs", "srv", "SetBool")
    assert service_type("std_srvs::srv::dds_::SetBool_") is None


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("base", ("/", "base")),
        ("/left/arm", ("/left", "arm")),
        ("my board #2", ("/", "my_board_2")),
        ("", ("/", "fallback")),
        ("2nd", ("/", "_2nd")),
    ],
)
def test_node_names(given, wanted):
    assert node_name(given, "fallback") == wanted
