"""The board's ROS clock in virtual time, against a truth that the tests know."""

from __future__ import annotations

import ctypes
import random
from dataclasses import dataclass, field

import pytest
from client_under_test import Client, ClockFilter
from scripted_agent import MS, ScriptedAgent, World
from serial_frames import split

US = 1000
S = 1_000_000_000
ROS_START_NS = 1_700_000_000 * S
BAUD = 921_600
REQUEST_NS = 23 * 10 * S // BAUD  # time on the line of a TIMESTAMP frame
REPLY_NS = 39 * 10 * S // BAUD


@dataclass
class Host:
    """A host clock that drifts against the board's and may jump, and a line with delays in each direction."""

    clock_filter: ClockFilter
    drift_ppm: float = 0.0
    seed: int = 0
    board_ns: int = 3 * S
    jumped_ns: int = 0
    spike_out_ns: int = 0
    spike_back_ns: int = 0
    errors_ns: list[int] = field(default_factory=list)
    bound_held: list[bool] = field(default_factory=list)
    bounds_ns: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._random = random.Random(self.seed)

    def truth_ns(self, board_ns: int) -> int:
        return ROS_START_NS + self.jumped_ns + board_ns + round(board_ns * self.drift_ppm * 1e-6)

    def _queueing_ns(self) -> int:
        """Behind 100 Hz traffic of about 190 bytes, a fifth of the exchanges wait; everyone sees some jitter."""
        waits = self._random.random() < 0.2
        return round(self._random.expovariate(1 / (40 * US))) + (
            self._random.randrange(2 * MS) if waits else 0
        )

    def exchange(self) -> None:
        sent_ns = self.board_ns
        arrived_ns = sent_ns + REQUEST_NS + self._queueing_ns() + self.spike_out_ns
        left_ns = arrived_ns + 50 * US
        received_ns = left_ns + REPLY_NS + self._queueing_ns() + self.spike_back_ns
        self.clock_filter.exchange(sent_ns, self.truth_ns(arrived_ns), self.truth_ns(left_ns), received_ns)
        self.board_ns = received_ns

    def pass_time(self, until_ns: int, *, sample: bool = True) -> None:
        """Reads the clock each millisecond."""
        clock = self.clock_filter.clock
        while self.board_ns < until_ns:
            self.board_ns += MS
            if sample and clock.locked(self.board_ns):
                error_ns = abs(clock.ros_ns(self.board_ns) - self.truth_ns(self.board_ns))
                self.errors_ns.append(error_ns)
                self.bounds_ns.append(clock.bound_ns(self.board_ns))
                self.bound_held.append(error_ns <= self.bounds_ns[-1])

    def run(self, seconds: float, *, sample: bool = True, period_ns: int = 200 * MS) -> None:
        end_ns = self.board_ns + round(seconds * S)
        while self.board_ns < end_ns:
            next_ns = self.board_ns + period_ns
            self.exchange()
            self.pass_time(min(next_ns, end_ns), sample=sample)


def percentile(values: list[int], share: float) -> int:
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


@pytest.fixture
def clock_filter(library: ctypes.CDLL) -> ClockFilter:
    return ClockFilter(library)


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("drift_ppm", [-100.0, -20.0, 0.0, 20.0, 100.0])
def test_error_and_bound_under_drift(library: ctypes.CDLL, drift_ppm: float, seed: int) -> None:
    host = Host(ClockFilter(library), drift_ppm=drift_ppm, seed=seed)
    host.run(5, sample=False)
    host.run(40)
    assert percentile(host.errors_ns, 0.99) <= 250 * US
    assert sum(host.bound_held) >= 0.999 * len(host.bound_held)
    assert percentile(host.bounds_ns, 0.99) <= (REQUEST_NS + REPLY_NS) // 2 + 250 * US
    assert len(host.errors_ns) >= 39_000


def test_nothing_is_claimed_before_the_first_exchanges(clock_filter: ClockFilter) -> None:
    clock = clock_filter.clock
    assert not clock.locked(S) and clock.bound_ns(S) == 2**64 - 1 and clock.epoch == 0
    host = Host(clock_filter)
    for locked in (False, False, False, True):
        host.exchange()
        assert clock.locked(host.board_ns) == locked
    assert clock.epoch == 1


def test_bound_widens_with_age_until_the_lock_is_lost(clock_filter: ClockFilter) -> None:
    host = Host(clock_filter)
    host.run(5)
    clock = clock_filter.clock
    fresh_ns = clock.bound_ns(host.board_ns)
    assert (
        1_000_000 - 1000 <= clock.bound_ns(host.board_ns + 10 * S) - fresh_ns <= 1_000_000 + 1000
    )  # 100 ppm
    assert clock.locked(host.board_ns + 60 * S)
    assert not clock.locked(host.board_ns + 110 * S)


@pytest.mark.parametrize("drift_ppm", [-100.0, 100.0])
def test_learned_drift_carries_over_a_silence(library: ctypes.CDLL, drift_ppm: float) -> None:
    """20 s without an exchange: 2 ms of drift unlearned, far less of it learned."""
    host = Host(ClockFilter(library), drift_ppm=drift_ppm)
    host.run(30, sample=False)
    host.pass_time(host.board_ns + 20 * S)
    assert max(host.errors_ns) <= 700 * US
    assert all(host.bound_held)


@pytest.mark.parametrize("direction", ["spike_out_ns", "spike_back_ns"])
def test_lopsided_spike_widens_the_bound_and_does_not_move_the_clock(
    library: ctypes.CDLL, direction: str
) -> None:
    host = Host(ClockFilter(library), drift_ppm=30.0)
    host.run(20)
    calm_ns = host.clock_filter.clock.bound_ns(host.board_ns)
    setattr(host, direction, 50 * MS)
    host.errors_ns.clear()
    host.run(8)
    assert max(host.errors_ns) <= 250 * US
    assert all(host.bound_held)
    assert host.clock_filter.clock.bound_ns(host.board_ns) >= calm_ns + 600 * US
    assert host.clock_filter.clock.epoch == 1


@pytest.mark.parametrize("jump_ns", [2 * S, -2 * S, 20 * MS, -20 * MS, -ROS_START_NS])
def test_jump_unlocks_at_the_first_exchange_and_starts_an_epoch(
    clock_filter: ClockFilter, jump_ns: int
) -> None:
    host = Host(clock_filter)
    host.run(5)
    host.jumped_ns = jump_ns
    clock = clock_filter.clock
    host.exchange()
    assert not clock.locked(host.board_ns) and clock.epoch == 1
    start_ns = host.board_ns
    while not clock.locked(host.board_ns):
        host.run(0.02, period_ns=20 * MS)
    assert host.board_ns - start_ns <= 200 * MS
    assert clock.epoch == 2
    assert abs(clock.ros_ns(host.board_ns) - host.truth_ns(host.board_ns)) <= clock.bound_ns(host.board_ns)


def test_one_false_exchange_does_not_start_an_epoch(clock_filter: ClockFilter) -> None:
    host = Host(clock_filter)
    host.run(5)
    false_ns = host.truth_ns(host.board_ns) + 3 * S
    clock_filter.exchange(host.board_ns, false_ns, false_ns, host.board_ns + MS)
    assert not clock_filter.clock.locked(host.board_ns + MS)
    host.board_ns += MS
    host.exchange()
    assert clock_filter.clock.locked(host.board_ns) and clock_filter.clock.epoch == 1


@pytest.mark.parametrize("seed", range(3))
def test_never_backwards_within_an_epoch(library: ctypes.CDLL, seed: int) -> None:
    """Drift that changes sign, spikes both ways, silences, bad delays: read each 100 us."""
    host = Host(ClockFilter(library), seed=seed)
    rng = random.Random(seed)
    clock = host.clock_filter.clock
    host.run(1, sample=False)
    last_ns = clock.ros_ns(host.board_ns)
    for _ in range(150):
        host.spike_out_ns, host.spike_back_ns = (rng.choice([0, 0, 0, 5 * MS, 50 * MS]) for _ in range(2))
        old_truth_ns = host.truth_ns(host.board_ns)
        host.drift_ppm = rng.uniform(-100, 100)
        host.jumped_ns += old_truth_ns - host.truth_ns(host.board_ns)
        host.exchange()
        for _ in range(rng.choice([500, 2000, 20000])):
            host.board_ns += 100 * US
            ros_ns = clock.ros_ns(host.board_ns)
            assert last_ns < ros_ns
            last_ns = ros_ns
    assert clock.epoch == 1


def test_a_start_on_a_slow_line_is_over_with_the_first_quick_exchange(library: ctypes.CDLL) -> None:
    """Offsets that are 25 ms off, each within half its round trip: nobody could use them, so nobody needs a slew."""
    host = Host(ClockFilter(library))
    clock = host.clock_filter.clock
    host.spike_out_ns = 60 * MS
    host.run(2.0)
    assert not clock.locked(host.board_ns)
    epoch = clock.epoch
    host.spike_out_ns = 0
    host.run(0.4)
    assert clock.locked(host.board_ns)
    assert clock.epoch == epoch + 1
    assert (
        abs(clock.ros_ns(host.board_ns) - host.truth_ns(host.board_ns))
        <= clock.bound_ns(host.board_ns)
        < 3 * MS
    )


def test_bound_counts_what_is_still_to_be_slewed(clock_filter: ClockFilter) -> None:
    """Locked on lopsided exchanges, then a straight one: the clock bends towards it and owns up to the rest."""
    host = Host(clock_filter, spike_out_ns=8 * MS)
    host.run(1, sample=False)
    clock = clock_filter.clock
    assert clock.locked(host.board_ns)
    host.spike_out_ns = 0
    host.exchange()
    error_ns = abs(clock.ros_ns(host.board_ns) - host.truth_ns(host.board_ns))
    assert 3 * MS < error_ns <= clock.bound_ns(host.board_ns) < 5 * MS
    host.run(5)
    assert all(host.bound_held)
    assert host.errors_ns[-1] <= 250 * US and clock.epoch == 1


def test_impossible_exchanges_teach_nothing(clock_filter: ClockFilter) -> None:
    ros_ns = ROS_START_NS
    clock_filter.exchange(S, ros_ns, ros_ns, S - 1)  # received before it was sent
    clock_filter.exchange(S, ros_ns, ros_ns - 1, S + MS)  # agent's clock stepped back between its two stamps
    clock_filter.exchange(S, ros_ns, ros_ns + 2 * MS, S + MS)  # held for longer than it was away
    clock_filter.exchange(S, ros_ns, ros_ns, 2 * S)  # a second under way
    assert clock_filter.clock.epoch == 0


def test_client_locks_within_half_a_second_and_relocks_within_one(library: ctypes.CDLL) -> None:
    offset_ns = ROS_START_NS
    world = World(Client(library), ScriptedAgent(ros_ns=lambda now_ns: now_ns + offset_ns))
    clock = world.client.clock
    world.run_until(lambda: clock.locked(world.now_ns), limit_ms=500)
    world.run_for(3000)
    assert clock.epoch == 1 and clock.bound_ns(world.now_ns) <= MS
    offset_ns += 2 * S
    world.run_until(lambda: not clock.locked(world.now_ns), limit_ms=250)
    world.run_until(lambda: clock.locked(world.now_ns), limit_ms=500)
    assert clock.epoch == 2
    assert abs(clock.ros_ns(world.now_ns) - world.now_ns - offset_ns) <= MS


def test_client_matches_replies_by_originate(world: World) -> None:
    """A reply to another request, and a second reply to the same one, do not reach the clock."""
    world.connect()
    world.run_for(1000)
    clock = world.client.clock
    before = clock.ros_ns(world.now_ns), clock.bound_ns(world.now_ns)
    stamp = bytes(8)
    for originate in (b"\x01\0\0\0\x05\0\0\0", bytes(8), b"\xff" * 8):
        world.agent.send_control(15, stamp + stamp + originate)
    world.client.receive(bytes(world.agent.out), world.now_ns)
    assert (clock.ros_ns(world.now_ns), clock.bound_ns(world.now_ns)) == before
    assert clock.locked(world.now_ns)


def test_a_repeated_reply_does_not_count(world: World) -> None:
    world.connect()
    world.run_for(1000)
    world.agent.out = bytearray()
    replies = []
    while not replies:
        world.client.run(world.now_ns)
        world.agent.receive(world.client.take_sent(), world.now_ns)
        replies = [one for one in split(bytes(world.agent.out)) if one[9] == 15]
        world.agent.out = bytearray()
        world.now_ns += MS
    world.client.receive(replies[0], world.now_ns)
    round_trip_us = world.client.stats.round_trip_us
    world.client.receive(replies[0], world.now_ns + 50 * MS)
    assert world.client.stats.round_trip_us == round_trip_us == 1000


def test_clock_lives_through_a_reconnect(world: World) -> None:
    world.connect()
    world.run_for(1000)
    world.agent.forget()
    world.run_until(lambda: world.client.stats.reconnects == 1, limit_ms=700)
    assert world.client.clock.locked(world.now_ns)
    world.run_for(1000)
    assert world.client.clock.epoch == 1


@pytest.mark.parametrize("drift_ppm", [-100.0, 0.0, 100.0])
def test_stamps_of_the_host_find_their_board_time(library: ctypes.CDLL, drift_ppm: float) -> None:
    """The inverse meets the clock to the nanosecond's rounding, also in mid-slew, a day away, and in the past."""
    host = Host(ClockFilter(library), drift_ppm=drift_ppm, seed=5)
    clock = host.clock_filter.clock
    for _ in range(50):
        host.exchange()
        host.board_ns += 200 * MS
        for away_ns in (-86_400 * S, -S, 0, 20 * MS, S, 86_400 * S):
            ros_ns = clock.ros_ns(host.board_ns + away_ns + 86_400 * S) - 86_400 * S
            board_ns = clock.board_ns(ros_ns)
            assert abs(clock.ros_ns(board_ns) - ros_ns) <= 1
