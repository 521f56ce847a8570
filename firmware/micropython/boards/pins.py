"""Which pin does what: one table a board, picked by sys.platform. Change the numbers to your wiring, nothing else.

Motors: a driver with PWM and direction inputs (such as DRV8874 in PH/EN mode) and one enable pin for both; with that
pin low the windings must be shorted. ``None`` where there is nothing.
"""

import sys


class RP2040:
    """Raspberry Pi Pico."""

    LINK = {"id": 0, "tx": 0, "rx": 1}
    LEFT_ENCODER = (2, 3)  # A, B
    RIGHT_ENCODER = (4, 5)
    LEFT_MOTOR = (6, 7)  # PWM, direction
    RIGHT_MOTOR = (8, 9)
    ENABLE = 10
    E_STOP = 11  # low: pressed
    MOTOR_FAULT = 12  # low: the driver reports a fault
    SUPPLY = (26, 11.0)  # analogue pin, volts at the supply for a volt at the pin


class PYBOARD:
    """STM32: pyboard, and Nucleo-F446RE by the same names. Encoders sit on timers that count by themselves."""

    LINK = {"id": 6}
    LEFT_ENCODER = (2, "X1", "X2")  # timer, channel 1, channel 2
    RIGHT_ENCODER = (4, "X9", "X10")
    LEFT_MOTOR = ("Y3", "Y4")
    RIGHT_MOTOR = ("X3", "X4")
    ENABLE = "Y5"
    E_STOP = "Y6"
    MOTOR_FAULT = "Y7"
    SUPPLY = ("X11", 11.0)


class ESP32:
    """ESP32 development board; its pulse counters do the counting."""

    LINK = {"id": 2, "tx": 17, "rx": 16}
    LEFT_ENCODER = (32, 33)
    RIGHT_ENCODER = (25, 26)
    LEFT_MOTOR = (18, 19)
    RIGHT_MOTOR = (21, 22)
    ENABLE = 23
    E_STOP = 27
    MOTOR_FAULT = 14
    SUPPLY = (34, 11.0)


PINS = {"rp2": RP2040, "pyboard": PYBOARD, "esp32": ESP32}[sys.platform]
