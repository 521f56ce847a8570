"""Streams of XRCE messages (firmware/core, streams.c): sequence numbers of 16 bits, serial-number arithmetic."""

from micropython import const

SLOTS = const(4)  # full-size messages that the reliable history holds: link.history of the contract
SLOT_BYTES = const(512)
_WINDOW = const(16)  # sequence numbers that an ACKNACK can speak of
_PATIENCE = const(4)  # refusals in a row until a best-effort sender is believed

NEXT = const(0)
EARLY = const(1)
REPEATED = const(2)

PLAIN = const(0)
SKIPPED = const(1)  # the sender no longer has what was expected; went on to what it has
BEHIND = const(2)  # the sender claims to have sent less than was received; nothing changed


def before(a, b):
    return ((b - a - 1) & 0xFFFF) < 0x7FFF


class ReliableOut:
    """Messages not yet confirmed, oldest first; slot of message i is (first + i) % SLOTS."""

    def __init__(self):
        self.slots = [bytearray(SLOT_BYTES) for _ in range(SLOTS)]
        self.sizes = [0] * SLOTS
        self.reset()

    def reset(self):
        self.first = 0  # sequence number of the oldest message held; the next to be confirmed
        self.count = 0
        self.due = 0  # bit i: message i must go to the line
        self.sent_once = 0  # bit i: message i has been on the line

    def next(self):
        return (self.first + self.count) & 0xFFFF

    def has_room(self):
        return self.count < SLOTS

    def room(self):
        """Buffer of the next message; None when all slots are taken."""
        return self.slots[self.next() % SLOTS] if self.count < SLOTS else None

    def push(self, size):
        """The message in room() is complete."""
        self.sizes[self.next() % SLOTS] = size
        self.due |= 1 << self.count
        self.count += 1

    def sent(self):
        """Messages at the front that have been on the line and are not confirmed."""
        count = 0
        while count < self.count and self.sent_once >> count & 1:
            count += 1
        return count

    def acknack(self, first, missing):
        """All before ``first`` is confirmed, bit i of ``missing`` asks for first + i. False: it speaks of nothing."""
        done = (first - self.first) & 0xFFFF
        sent = self.sent()
        if sent == 0 or done > sent:
            return False
        self.first = first
        self.count -= done
        self.due = (self.due >> done | missing) & ((1 << self.count) - 1)
        self.sent_once >>= done
        return True

    def take(self):
        """Index of the next message for the line, -1 if none is due; ``again`` says whether it has been out before."""
        for i in range(self.count):
            if self.due >> i & 1:
                self.again = bool(self.sent_once >> i & 1)
                self.due &= ~(1 << i)
                self.sent_once |= 1 << i
                return (self.first + i) % SLOTS
        return -1


class ReliableIn:
    """In order or not at all: what arrives early is asked for again, which saves the buffers."""

    def __init__(self):
        self.reset()

    def reset(self):
        self.expected = 0  # next sequence number in order
        self.heard = 0  # one past the newest number heard of
        self.asked = 0  # one past the newest number asked for again

    def check(self, sequence):
        if before(sequence, self.expected):
            return REPEATED
        beyond = (sequence + 1) & 0xFFFF
        if before(self.heard, beyond) and ((beyond - self.expected) & 0xFFFF) <= _WINDOW:
            self.heard = beyond
        return NEXT if sequence == self.expected else EARLY

    def accept(self):
        self.expected = (self.expected + 1) & 0xFFFF
        if before(self.heard, self.expected):
            self.heard = self.expected

    def heartbeat(self, first, last):
        beyond = (last + 1) & 0xFFFF
        if before(beyond, self.expected):
            return BEHIND
        skipped = before(self.expected, first)
        if skipped:
            self.expected = first
        self.heard = self.expected if before(beyond, self.expected) else beyond
        return SKIPPED if skipped else PLAIN

    def missing(self, again):
        """Bitmap for the ACKNACK. What was asked for is not asked for again unless a HEARTBEAT shows it lost."""
        if not again and before(self.expected, self.asked):
            return 0
        asked = min((self.heard - self.expected) & 0xFFFF, _WINDOW)
        self.asked = (self.expected + asked) & 0xFFFF
        return (1 << asked) - 1


class BestEffortIn:
    def __init__(self):
        self.reset()

    def reset(self):
        self.last = 0xFFFF
        self.refused = 0

    def accept(self, sequence):
        """False: late or twice. Several refusals in a row are no late messages: the sender counts anew."""
        if sequence == self.last:
            return False
        if not before(self.last, sequence):
            self.refused += 1
            if self.refused < _PATIENCE:
                return False
        self.last = sequence
        self.refused = 0
        return True
