"""A board with pins: UART as the link, its own encoders and motor driver, a hardware timer as the release."""

import machine
import takt_contract as contract
from encoders import make
from micropython import const
from pins import PINS
from takt_board.board_time import BoardTime
from takt_board.ledger import STORE_BYTES

_PERIOD_NS = 1000000000 // contract.CONTROL_RATE_HZ
_QUIET_NS = const(1500000)  # before a release nothing else is begun
_WATCHDOG_MS = const(500)
_FULL_DUTY = const(65535)
_SUPPLY_EVERY = const(10)  # cycles: a conversion takes its time


class Motor:
    """PWM and direction."""

    def __init__(self, pins):
        self._pwm = machine.PWM(machine.Pin(pins[0]), freq=20000, duty_u16=0)
        self._direction = machine.Pin(pins[1], machine.Pin.OUT, value=0)

    def drive(self, duty):
        self._direction.value(duty < 0.0)
        self._pwm.duty_u16(int((-duty if duty < 0.0 else duty) * _FULL_DUTY))


class Board:
    """What the firmware asks of a port; see unix_board.py for the other one."""

    def __init__(self):
        self._time = BoardTime()
        self.now_ns = self._time.now_ns
        self._uart = machine.UART(baudrate=contract.LINK_BAUD, timeout=0, rxbuf=1024, txbuf=1024, **PINS.LINK)
        self._counters = (make(PINS.LEFT_ENCODER, 0), make(PINS.RIGHT_ENCODER, 1))
        self._steps = 4 // self._counters[0].STEPS
        self._enable = machine.Pin(PINS.ENABLE, machine.Pin.OUT, value=0)
        self._motors = (Motor(PINS.LEFT_MOTOR), Motor(PINS.RIGHT_MOTOR))
        self._e_stop = machine.Pin(PINS.E_STOP, machine.Pin.IN, machine.Pin.PULL_UP)
        self._fault = machine.Pin(PINS.MOTOR_FAULT, machine.Pin.IN, machine.Pin.PULL_UP)
        self._supply = machine.ADC(machine.Pin(PINS.SUPPLY[0])) if PINS.SUPPLY else None
        self.watchdog_reset = machine.reset_cause() == machine.WDT_RESET
        self._watchdog = machine.WDT(timeout=_WATCHDOG_MS)
        self.retained = bytearray(
            STORE_BYTES
        )  # ordinary memory: a reset loses what the host has not confirmed
        self.miss_limit = contract.SAFETY_MISS_LIMIT_BOARD
        self.cycle_cpu_ns = 0
        self._cycle = 0
        self._firmware = None

    def link_read(self, buffer):
        """Bytes that are there, at most len(buffer)."""
        return self._uart.readinto(buffer) if self._uart.any() else 0

    def link_write(self, buffer, start, count):
        return self._uart.write(memoryview(buffer)[start : start + count]) or 0

    def read_cpu_ns(self, now_ns):
        """Nothing else runs here: what took long was the cycle's own."""
        return now_ns

    def read_encoder(self, sample):
        now_ns = self.now_ns()
        self.cycle_cpu_ns = now_ns
        self._cycle += 1
        sample.present = True
        sample.sequence = self._cycle & 0x3FFFFFFF
        sample.sample_ns = sample.received_ns = now_ns
        sample.left = _wrapped(self._counters[0].counts() * self._steps)
        sample.right = _wrapped(self._counters[1].counts() * self._steps)
        sample.e_stop = not self._e_stop.value()
        sample.motor_fault = not self._fault.value()
        if self._supply is not None and self._cycle % _SUPPLY_EVERY == 1:
            sample.supply_mv = int(self._supply.read_u16() * 3300 * PINS.SUPPLY[1]) // _FULL_DUTY

    def drive(self, _cycle, _now_ns, control):
        self._time.renew()
        self._motors[0].drive(control.left_duty)
        self._motors[1].drive(control.right_duty)
        self._enable.value(control.driver_enabled)

    def feed_watchdog(self):
        self._watchdog.feed()

    def _release(self, _timer):
        """The timer keeps the pace; the place on the grid follows from the time that it is."""
        monitor = self._firmware.monitor
        now_ns = self.now_ns()
        if monitor.running:
            places = (now_ns - monitor.release_ns + _PERIOD_NS // 2) // _PERIOD_NS
            if places < 1:
                return
            now_ns = monitor.release_ns + places * _PERIOD_NS
        self._firmware.control_cycle(now_ns)

    def run(self, firmware):
        """For ever: cycles from the timer, everything else between them."""
        self._firmware = firmware
        monitor = firmware.monitor
        timer = machine.Timer(PINS.TIMER)
        try:
            timer.init(freq=contract.CONTROL_RATE_HZ, mode=machine.Timer.PERIODIC, callback=self._release)
            while True:
                next_ns = monitor.next_release(self.now_ns())
                if next_ns - self.now_ns() > _QUIET_NS:
                    firmware.link_poll(next_ns - _QUIET_NS)
                    firmware.collect_if_due(next_ns - self.now_ns())
        finally:
            timer.deinit()
            self._enable.value(0)


def _wrapped(counts):
    return ((counts + 0x80000000) & 0xFFFFFFFF) - 0x80000000
