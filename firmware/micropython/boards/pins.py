"""Which pin does what: one table a board. Change the numbers to your wiring, nothing else.

Motors: a driver with PWM and direction inputs (such as DRV8874 in PH/EN mode) and one enable pin for both; with that
pin low the windings must be shorted. ``None`` where there is nothing.
"""

import os
import sys


class RP2040:
    """Raspberry Pi Pico."""

    TIMER = -1  # which timer gives the release
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
    """pyboard. Encoders sit on timers that count by themselves (number, channel 1, channel 2); no PWM shares one."""

    TIMER = -1
    LINK = {"id": 2}  # X3, X4
    LEFT_ENCODER = (2, "X1", "X2")
    RIGHT_ENCODER = (4, "X9", "X10")
    LEFT_MOTOR = ("Y1", "Y3")
    RIGHT_MOTOR = ("Y2", "Y4")
    ENABLE = "Y5"
    E_STOP = "Y6"
    MOTOR_FAULT = "Y7"
    SUPPLY = ("X11", 11.0)


class NUCLEO_F446RE:
    """Nucleo-F446RE; likewise."""

    TIMER = -1
    LINK = {"id": 1}  # PB6, PB7
    LEFT_ENCODER = (2, "PA0", "PA1")
    RIGHT_ENCODER = (3, "PB4", "PB5")
    LEFT_MOTOR = ("PA8", "PB10")
    RIGHT_MOTOR = ("PA9", "PB12")
    ENABLE = "PB13"
    E_STOP = "PB14"
    MOTOR_FAULT = "PB15"
    SUPPLY = ("PC0", 11.0)


class ESP32:
    """ESP32 development board; its pulse counters do the counting."""

    TIMER = 0
    LINK = {"id": 2, "tx": 17, "rx": 16}
    LEFT_ENCODER = (32, 33)
    RIGHT_ENCODER = (25, 26)
    LEFT_MOTOR = (18, 19)
    RIGHT_MOTOR = (21, 22)
    ENABLE = 23
    E_STOP = 27
    MOTOR_FAULT = 14
    SUPPLY = (34, 11.0)


if sys.platform == "pyboard":  # every STM32 says so
    PINS = NUCLEO_F446RE if "F446RE" in os.uname().machine else PYBOARD
else:
    PINS = {"rp2": RP2040, "esp32": ESP32}[sys.platform]
