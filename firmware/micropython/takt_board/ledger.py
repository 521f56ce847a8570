"""Miss ledger: every miss is one record, or lies in one gap record (firmware/core, ledger.c).

Identity: boot count << 32 | sequence. Records wait in a ring in retained memory; each carries its own CRC, written
last, so that a reset may come at any instant. The layout is not that of the C firmware, which knows no cause `gc`;
each reads the other's memory as empty.
"""

from struct import pack_into, unpack_from

from micropython import const

from takt_board.framing import crc16

RECORDS = const(64)
_BOOT_BITS = const(12)  # boots between two losses of power
_NONCE_MASK = const(0x3FFFF)  # an identity stays below 2**62, where a 64-bit machine needs no memory for it
_LAYOUT = const(0x5402)
_RECORD = "<QQQQQIIIIII"  # previous, first, last, release_ns, late_ns, cycle, counts by cause (5)
_CRC_AT = const(64)
_RECORD_BYTES = const(72)
_CONFIRMED_AT = const(8)  # two of 16 bytes: identity, 6 bytes of nothing, CRC
_GAP_AT = const(40)
_RING_AT = const(112)
STORE_BYTES = _RING_AT + RECORDS * _RECORD_BYTES


class Record:
    """One record, unpacked."""

    def __init__(self):
        self.counts = [0, 0, 0, 0, 0]
        self.clear()

    def clear(self):
        self.previous = 0
        self.first = 0
        self.last = 0
        self.release_ns = 0
        self.late_ns = 0
        self.cycle = 0
        for cause in range(5):
            self.counts[cause] = 0

    def load(self, store, at):
        words = unpack_from(_RECORD, store, at)
        self.previous, self.first, self.last, self.release_ns, self.late_ns, self.cycle = words[:6]
        self.counts = list(words[6:])


class Ledger:
    """``store``: a bytearray of STORE_BYTES that survives a reset; after power loss it may hold anything.

    ``nonce`` stands above the count of boots and is taken when the store was lost: without it a confirmation meant for
    a record from before the loss could release one of the same number made after it.
    """

    def __init__(self, store, nonce=0):
        self.store = store
        self.sequence = 0  # of the newest miss of this boot
        self._gap = Record()
        self._record = Record()
        known = self._crc(0, 6) == self._word(6)
        if not known:  # power was lost, or the layout is another one
            for i in range(STORE_BYTES):
                store[i] = 0
        self._confirmed_slot = 0
        self.confirmed = self._find_confirmed()
        self.previous = self.confirmed  # identity of the newest record
        self._find_records()
        self.gap_open = False
        if self._whole(_GAP_AT):
            self._gap.load(store, _GAP_AT)
            # a gap that had just been copied into the ring when the reset came is there already
            self.gap_open = self._gap.last > self.previous
        lost = ((nonce & _NONCE_MASK) << _BOOT_BITS) + 1
        self.boot_count = unpack_from("<I", store, 0)[0] + 1 if known else lost
        pack_into("<IH", store, 0, self.boot_count, 0)
        pack_into("<H", store, 6, self._crc(0, 6))

    def boots(self):
        """Since the store was lost last, without the nonce: what a person counts."""
        return self.boot_count & ((1 << _BOOT_BITS) - 1)

    def _word(self, at):
        return self.store[at] | self.store[at + 1] << 8

    def _crc(self, at, count):
        return crc16(_LAYOUT, self.store, at, count)

    def _whole(self, at):
        if self._crc(at, _CRC_AT) != self._word(at + _CRC_AT):
            return False
        first, last = unpack_from("<QQ", self.store, at + 8)
        return 0 < first <= last

    def _find_confirmed(self):
        newest = 0
        for slot in range(2):
            at = _CONFIRMED_AT + 16 * slot
            if self._crc(at, 14) == self._word(at + 14):
                identity = unpack_from("<Q", self.store, at)[0]
                if identity >= newest:
                    newest = identity
                    self._confirmed_slot = slot
        return newest

    def _slot(self, index):
        return _RING_AT + (index % RECORDS) * _RECORD_BYTES

    def _last_waiting(self, index):
        """Identity of the waiting record in this slot, 0 if none is."""
        at = self._slot(index)
        last = unpack_from("<Q", self.store, at + 16)[0]
        return last if last > self.confirmed and self._whole(at) else 0

    def _find_records(self):
        """The waiting records lie in ring order somewhere; what is not whole was being written when the reset came."""
        oldest = 0
        oldest_last = 0
        for index in range(RECORDS):
            last = self._last_waiting(index)
            if last and (not oldest_last or last < oldest_last):
                oldest = index
                oldest_last = last
        run = 0
        while run < RECORDS:
            last = self._last_waiting(oldest + run)
            if not last:
                break
            self.previous = last
            run += 1
        self.tail = oldest  # records confirmed
        self.head = oldest + run  # records ever put into the ring

    def _save(self, at, record):
        """The CRC goes in last; while the content changes it is wrong on purpose."""
        self.store[at + _CRC_AT] ^= 0xFF
        c = record.counts
        pack_into(
            _RECORD, self.store, at, record.previous, record.first, record.last, record.release_ns,
            record.late_ns, record.cycle, c[0], c[1], c[2], c[3], c[4],
        )  # fmt: skip
        pack_into("<H", self.store, at + _CRC_AT, self._crc(at, _CRC_AT))

    def _push(self, record):
        record.previous = self.previous
        self._save(self._slot(self.head), record)
        self.previous = record.last
        self.head += 1

    def has_room(self):
        return self.head - self.tail < RECORDS

    def settle(self):
        """Once in each cycle: moves the gap into the ring when there is room."""
        if self.gap_open and self.head - self.tail < RECORDS:
            self._push(self._gap)
            self.store[_GAP_AT + _CRC_AT] ^= 0xFF
            self.gap_open = False

    def _widen_gap(self, first, count, cause, cycle, release_ns, late_ns):
        gap = self._gap
        if not self.gap_open:
            gap.clear()
            gap.first = first
            gap.release_ns = release_ns
            gap.cycle = cycle
            self.gap_open = True
        gap.last = first + count - 1
        gap.late_ns = max(gap.late_ns, late_ns)
        gap.counts[cause] += count
        self._save(_GAP_AT, gap)

    def _next_identity(self, count):
        first = self.boot_count << 32 | (self.sequence + 1)
        self.sequence += count
        return first

    def append(self, cause, cycle, release_ns, late_ns):
        identity = self._next_identity(1)
        self.settle()
        if self.gap_open or not self.has_room():
            self._widen_gap(identity, 1, cause, cycle, release_ns, late_ns)
            return
        record = self._record
        record.clear()
        record.first = record.last = identity
        record.release_ns = release_ns
        record.late_ns = late_ns
        record.cycle = cycle
        record.counts[cause] = 1
        self._push(record)

    def append_skipped(self, monitor, resumed_ns):
        """The releases that the monitor found skipped before the newest cycle."""
        for n in range(monitor.skipped_count):
            release_ns = monitor.skipped_first_ns + n * monitor.period_ns
            late_ns = resumed_ns - release_ns
            cycle = monitor.skipped_first + n
            if n >= RECORDS and not self.has_room():  # bounds the loop: the rest in one go
                rest = monitor.skipped_count - n
                first = self._next_identity(rest)
                self._widen_gap(first, rest, monitor.skipped_cause, cycle, release_ns, late_ns)
                return
            self.append(monitor.skipped_cause, cycle, release_ns, late_ns)

    def pending(self):
        return self.head - self.tail

    def at(self, index, record):
        """Fills ``record``; index 0 is the oldest that is not confirmed."""
        record.load(self.store, self._slot(self.tail + index))
        return record

    def _last_at(self, index):
        return unpack_from("<Q", self.store, self._slot(self.tail + index) + 16)[0]

    def confirm(self, identity):
        """The host has everything up to ``identity`` on disk; returns how many records that released."""
        pending = self.pending()
        if pending == 0 or identity > self._last_at(pending - 1):
            return 0
        released = 0
        while released < pending and self._last_at(released) <= identity:
            released += 1
        if released:
            self._save_confirmed(self._last_at(released - 1))
            self.tail += released
        return released

    def _save_confirmed(self, identity):
        self.confirmed = identity
        self._confirmed_slot ^= 1
        at = _CONFIRMED_AT + 16 * self._confirmed_slot
        self.store[at + 14] ^= 0xFF
        pack_into("<QIH", self.store, at, identity, 0, 0)
        pack_into("<H", self.store, at + 14, self._crc(at, 14))
