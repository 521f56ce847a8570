"""Random control cycles of the C core: what went in, what state it began in, what came out.

The C core itself drives from cycle to cycle, so that the states are ones that it reaches; what goes in is random, dense
at the limits of age gate and clock. A number of the inputs that this file does not know is random as its type allows.
"""

from __future__ import annotations

import ctypes
import random

from takt.micropython.c_layout import Leaf, leaves
from takt.simulation.core_headers import Core

_MS = 1_000_000
_EPOCH_NS = 1_700_000_000_000_000_000
_ODD = (0.0, -0.0, 0.8, -0.8, 2.5, 8.1, 1e30, -1e-30, float("nan"), float("inf"), float("-inf"))
_KNOWN = ("now_ns", "dt_s", "ros.", "command.", "requests.", "agent_heard", "encoder.", "miss_limit")


class Cases:
    """One board's life after another. ``next_cycle`` runs one cycle; before and after it the structs can be read."""

    def __init__(self, core: Core, seed: str) -> None:
        self.core, self.rng = core, random.Random(seed)
        self.config = core.takt_control_config_from_contract()
        self.inputs, self.state = core.new("inputs"), core.new("control")
        self.unknown = [leaf for leaf in leaves(type(self.inputs)) if not leaf.path.startswith(_KNOWN)]
        self._boot()

    def _boot(self) -> None:
        rng = self.rng
        ctypes.memset(ctypes.byref(self.inputs), 0, ctypes.sizeof(self.inputs))
        self.core.takt_control_init(ctypes.byref(self.state), rng.random() < 0.1)
        self.now_ns = rng.randrange(1, 10**12)
        self.offset_ns = _EPOCH_NS + rng.randrange(10**12)
        self.requests = 0
        self.position = [float(rng.randrange(-(2**31), 2**31)) for _ in self.inputs.encoder.counts]
        self.speed = [0.0 for _ in self.position]
        self.sample_ns = rng.randrange(1, 10**12)
        self.answer = rng.choice(
            (1.0, 1.0, 1.0, 0.0, -1.0)
        )  # of the wheels to duty: as they should, stuck, reversed
        self.supply_mv = rng.choice((12_000, 12_000, 12_000, 10_400, 8_900))

    def next_cycle(self) -> tuple[bytes, bytes]:
        """(inputs and state before, outputs and state after), as the structs' bytes."""
        if self.rng.random() < 0.002:
            self._boot()
        self._pass_time()
        self._sense()
        self._listen()
        for leaf in self.unknown:
            self._invent(leaf)
        before = bytes(self.inputs) + bytes(self.state)
        outputs = self.core.takt_control_tick(
            ctypes.byref(self.inputs), ctypes.byref(self.config), ctypes.byref(self.state)
        )
        return before, bytes(outputs) + bytes(self.state)

    def _pass_time(self) -> None:
        rng, inputs = self.rng, self.inputs
        usual = rng.random() < 0.9
        elapsed_ns = rng.randrange(9_500_000, 10_500_000) if usual else rng.randrange(1, 200 * _MS)
        self.now_ns += elapsed_ns
        inputs.now_ns, inputs.dt_s = self.now_ns, elapsed_ns * 1e-9
        inputs.ros.locked = rng.random() < 0.98
        inputs.ros.now_ns = self.now_ns + self.offset_ns if rng.random() < 0.999 else rng.choice((0, -1))
        inputs.ros.bound_ns = rng.choice((0, 100_000, _MS, 10 * _MS, 10 * _MS + 1, rng.randrange(12 * _MS)))

    def _sense(self) -> None:
        """Wheels that follow their duty roughly, read at uneven times; now and then nonsense."""
        rng, sample = self.rng, self.inputs.encoder
        if rng.random() < 0.05:
            return  # no news
        passed_ns = (
            rng.choice((8, 10, 10, 10, 12)) * _MS if rng.random() < 0.98 else rng.randrange(-_MS, 300 * _MS)
        )
        self.sample_ns = max(1, self.sample_ns + passed_ns)
        for wheel in range(len(self.speed)):
            wish = 22.0 * self.answer * self._duty(wheel)
            noise = rng.gauss(0.0, 0.2) if self.answer else 0.0
            self.speed[wheel] += (0.1 if self.answer else 0.5) * (wish - self.speed[wheel]) + noise
            self.position[wheel] += self.speed[wheel] * passed_ns * 1e-9 * 652.0
            wild = rng.random() < 0.002
            counts = rng.randrange(2**32) if wild else round(self.position[wheel])
            sample.counts[wheel] = (counts + 2**31) % 2**32 - 2**31
        sample.present = True
        sample.sequence = (sample.sequence + 1) % 2**32
        sample.sample_ns, sample.received_ns = self.sample_ns, self.now_ns - rng.randrange(_MS)
        swing_mv = rng.randrange(-50, 50) if rng.random() < 0.999 else rng.randrange(-5_000, 5_000)
        sample.supply_mv = self.supply_mv + swing_mv if rng.random() < 0.999 else 0
        sample.e_stop, sample.motor_fault = rng.random() < 0.001, rng.random() < 0.001

    def _duty(self, wheel: int) -> float:
        return float(self.state.wheel[wheel].output)

    def _listen(self) -> None:
        rng, inputs = self.rng, self.inputs
        if rng.random() < 0.6:
            self._command()
        for request, chance in enumerate((0.002, 0.05, 0.1)):
            if rng.random() < chance:
                self.requests = (self.requests + 1) % 2**32
                inputs.requests.newest[request] = self.requests
        inputs.agent_heard = rng.random() < 0.999
        silence_ns = rng.choice((500 * _MS, 500 * _MS - 1)) if rng.random() < 0.001 else rng.randrange(_MS)
        inputs.agent_heard_ns = max(0, self.now_ns - silence_ns)
        inputs.miss_limit = rng.random() < 0.001

    def _command(self) -> None:
        rng, command = self.rng, self.inputs.command
        command.sequence = command.sequence % (2**32 - 1) + 1
        arrived = rng.random()
        late_ns = rng.choice((100 * _MS, 100 * _MS - 1)) if arrived < 0.01 else rng.randrange(20 * _MS)
        command.received_ns = max(0, self.now_ns - late_ns)
        bound_ns = self.inputs.ros.bound_ns
        edge = rng.choice((200 * _MS - bound_ns, -bound_ns)) + rng.choice((-1, 0, 1))
        usual = rng.randrange(150 * _MS)
        age_ns = edge if rng.random() < 0.05 else usual
        command.stamp_ns = (
            self.inputs.ros.now_ns - age_ns if rng.random() < 0.995 else rng.choice((0, -5, 2**63 - 1))
        )
        if rng.random() < 0.3:
            command.speed_m_s, command.yaw_rate_rad_s = rng.uniform(-1.0, 1.0), rng.uniform(-3.0, 3.0)
        if rng.random() < 0.005:
            command.speed_m_s = rng.choice(_ODD)

    def _invent(self, leaf: Leaf) -> None:
        """A value for an input that was added to the core after this file was written."""
        place = leaf.kind.from_buffer(self.inputs, leaf.offset)
        if leaf.kind is ctypes.c_bool:
            place.value = self.rng.random() < 0.01
        elif leaf.is_float:
            place.value = self.rng.uniform(-1.0, 1.0)
        else:
            place.value = self.rng.choice((0, 1, self.rng.randrange(100)))
