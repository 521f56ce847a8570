"""The ring: bounded in time and in size, and what a latched topic said stays true."""

from takt.recording.sample import MessageRing, Sample

SECOND_NS = 1_000_000_000


def sample(number: int, topic: str = "a", size: int = 10) -> Sample:
    return Sample(topic, number, number, bytes(size))


def test_it_keeps_what_is_young_enough_in_order():
    ring = MessageRing(3 * SECOND_NS, 1000)
    for second in range(6):
        ring.add(sample(second), second * SECOND_NS)
    assert [one.log_ns for one in ring.contents()] == [2, 3, 4, 5]
    assert (ring.size_bytes, ring.dropped) == (40, 0)
    ring.forget_old(60 * SECOND_NS)
    assert (ring.contents(), ring.size_bytes) == ([], 0)


def test_the_oldest_goes_when_memory_is_full_and_that_is_counted():
    ring = MessageRing(3 * SECOND_NS, 35)
    for number in range(5):
        ring.add(sample(number), number)
    assert [one.log_ns for one in ring.contents()] == [2, 3, 4]
    assert (ring.size_bytes, ring.dropped, len(ring)) == (30, 2, 3)


def test_one_sample_larger_than_the_ring_leaves_it_empty():
    ring = MessageRing(SECOND_NS, 35)
    ring.add(sample(1), 0)
    ring.add(sample(2, size=36), 1)
    assert (ring.contents(), ring.size_bytes, ring.dropped) == ([], 0, 2)


def test_the_last_word_of_a_latched_topic_stands_first():
    ring = MessageRing(2 * SECOND_NS, 1000, latched=["ladder"])
    ring.add(sample(1, "ladder"), 0)
    ring.add(sample(2, "ladder"), 1)
    for second in range(1, 9):
        ring.add(sample(100 + second), second * SECOND_NS)
    assert [one.log_ns for one in ring.contents()] == [2, 106, 107, 108]
    assert ring.size_bytes == 30  # the one that is held is not of the ring any more
