"""Samples and calls among the boards of one agent, for types that ROS does not know."""

from __future__ import annotations

from takt.link.exchange import MAX_OPEN_CALLS, MAX_TABLES, Exchange
from takt.link.representations import ServiceSpec, TopicSpec

HELLO = TopicSpec("HelloWorldTopic", "HelloWorld")
ADDER = ServiceSpec("service_name", "request_type", "reply_type")


def test_a_sample_reaches_the_readers_of_its_name_type_and_domain():
    exchange, heard = Exchange(), []
    for number, (domain, topic) in enumerate(
        [(0, HELLO), (0, HELLO), (1, HELLO), (0, TopicSpec("HelloWorldTopic", "Other"))]
    ):
        exchange.reader(domain, topic, lambda sample, stamp_ns, number=number: heard.append((number, sample)))
    exchange.writer(0, HELLO).publish(b"hello")
    assert heard == [(0, b"hello"), (1, b"hello")]


def test_a_closed_reader_hears_nothing():
    exchange, heard = Exchange(), []
    reader = exchange.reader(0, HELLO, lambda sample, stamp_ns: heard.append(sample))
    reader.close()
    reader.close()
    exchange.writer(0, HELLO).publish(b"hello")
    assert heard == [] and len(exchange) == 0


def test_a_call_and_its_one_answer():
    exchange, asked, answers = Exchange(), [], []
    replier = exchange.replier(0, ADDER, lambda identity, request: asked.append((identity, request)))
    requester = exchange.requester(0, ADDER, lambda number, reply: answers.append((number, reply)))
    number = requester.call(b"1+2")
    ((identity, request),) = asked
    assert (len(identity), request) == (24, b"1+2")
    replier.reply(identity, b"3")
    replier.reply(identity, b"again")
    replier.reply(bytes(24), b"nobody's")
    assert answers == [(number, b"3")]


def test_an_answer_to_one_who_left_is_dropped():
    exchange, asked, answers = Exchange(), [], []
    replier = exchange.replier(0, ADDER, lambda identity, request: asked.append(identity))
    requester = exchange.requester(0, ADDER, lambda number, reply: answers.append(reply))
    requester.call(b"1+2")
    requester.close()
    replier.reply(asked[0], b"3")
    assert answers == []


def test_what_it_keeps_is_bounded():
    exchange = Exchange()
    requester = exchange.requester(0, ADDER, lambda number, reply: None)
    for _ in range(3 * MAX_OPEN_CALLS):
        requester.call(b"")
    assert len(exchange._calls) == MAX_OPEN_CALLS
    for number in range(3 * MAX_TABLES):
        exchange.reader(0, TopicSpec(f"t{number}", "T"), lambda sample, stamp_ns: None).close()
    assert len(exchange._tables) <= MAX_TABLES
