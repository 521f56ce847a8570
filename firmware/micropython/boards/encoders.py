"""Quadrature counters of the boards: timer (STM32), pulse counter (ESP32), state machine (RP2040).

``counts()`` wraps at 32 bits or less; ``STEPS`` says how many of a full quadrature's four edges it counts.
"""

import sys


def make(pins, index):
    """The counter of wheel ``index`` on ``pins``."""
    if sys.platform == "pyboard":
        return TimerCounter(*pins)
    return PioCounter(pins, index) if sys.platform == "rp2" else PulseCounter(pins, index)


class TimerCounter:
    """A 16-bit timer in encoder mode; read once a cycle it cannot wrap unseen."""

    STEPS = 4

    def __init__(self, timer, first, second):
        import pyb

        alternate = getattr(pyb.Pin, "AF%d_TIM%d" % (1 if timer < 3 else 2, timer))
        for name in (first, second):
            pyb.Pin(name, pyb.Pin.AF_PP, pull=pyb.Pin.PULL_UP, af=alternate)
        self._timer = pyb.Timer(timer, prescaler=0, period=0xFFFF)
        self._timer.channel(1, pyb.Timer.ENC_AB)
        self._last = 0
        self._sum = 0

    def counts(self):
        now = self._timer.counter()
        self._sum += ((now - self._last + 0x8000) & 0xFFFF) - 0x8000
        self._last = now
        return self._sum


class PulseCounter:
    """machine.Encoder: present where the chip counts pulses by itself."""

    STEPS = 4

    def __init__(self, pins, index):
        from machine import Encoder, Pin

        self._encoder = Encoder(index, Pin(pins[0], Pin.IN), Pin(pins[1], Pin.IN), phases=4)

    def counts(self):
        return self._encoder.value()


class PioCounter:
    """A state machine counts rising edges of A, up or down by B, in its register x."""

    STEPS = 1

    def __init__(self, pins, index):
        import rp2
        from machine import Pin

        first, second = Pin(pins[0], Pin.IN, Pin.PULL_UP), Pin(pins[1], Pin.IN, Pin.PULL_UP)
        self._machine = rp2.StateMachine(index, _count_edges(rp2), in_base=first, jmp_pin=second)
        # looking costs no allocation: both instructions are encoded once
        self._show = rp2.asm_pio_encode("mov(isr, x)", 0)
        self._push = rp2.asm_pio_encode("push(noblock)", 0)
        self._machine.exec(rp2.asm_pio_encode("set(x, 0)", 0))
        self._machine.active(1)

    def counts(self):
        self._machine.exec(self._show)
        self._machine.exec(self._push)
        return self._machine.get()


def _count_edges(rp2):
    @rp2.asm_pio()
    def program():
        wrap_target()
        wait(0, pin, 0)
        wait(1, pin, 0)
        jmp(pin, "down")
        mov(x, invert(x))  # the machine can only count down: up is down, seen from the other side
        jmp(x_dec, "back")
        label("back")
        mov(x, invert(x))
        jmp("next")
        label("down")
        jmp(x_dec, "next")
        label("next")
        wrap()

    return program
