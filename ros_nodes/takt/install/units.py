"""The texts of the systemd units and udev rules that make a computer the robot. Pure: data in, text out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

TARGET = "takt.target"
ENVIRONMENT_FILE = "/etc/takt/environment"

# What a service needs to know of the shell that installed it: where ROS is, which domain, how DDS finds its peers.
CARRIED = (
    "AMENT_PREFIX_PATH",
    "FASTDDS_DEFAULT_PROFILES_FILE",
    "LD_LIBRARY_PATH",
    "PATH",
    "PYTHONPATH",
    "RMW_IMPLEMENTATION",
    "ROS_AUTOMATIC_DISCOVERY_RANGE",
    "ROS_DISTRO",
    "ROS_DOMAIN_ID",
    "_ROS_WHEELS_BOOTSTRAP_COMPLETE",
)


@dataclass(frozen=True)
class UsbSerial:
    """A USB serial adapter by its ids (four hex digits each)."""

    vendor: str
    product: str
    what: str


KNOWN_BOARDS = (
    UsbSerial("0483", "374b", "ST-LINK/V2-1 of a Nucleo-64"),
    UsbSerial("0483", "374e", "ST-LINK/V3 of a Nucleo-144"),
    UsbSerial("0403", "6001", "FTDI FT232R"),
    UsbSerial("10c4", "ea60", "Silicon Labs CP210x"),
)


def environment_text(environment: Mapping[str, str]) -> str:
    """The environment file of all services; systemd reads NAME="VALUE" lines."""
    lines = [f'{name}="{environment[name]}"' for name in CARRIED if environment.get(name)]
    return "\n".join(["# Written by `takt install`; read by the takt-*.service units.", *lines, ""])


def service_text(name: str, command: Sequence[str], user: str) -> str:
    """One service. It is started again at once when it dies; ten deaths in a minute are a fault for a person."""
    return f"""[Unit]
Description=Takt {name}
PartOf={TARGET}
StartLimitIntervalSec=60
StartLimitBurst=10

[Service]
User={user}
SupplementaryGroups=dialout video
EnvironmentFile={ENVIRONMENT_FILE}
ExecStart={" ".join(_quoted(word) for word in command)}
Restart=always
RestartSec=100ms
KillSignal=SIGINT
TimeoutStopSec=3
LimitRTPRIO=95
LimitMEMLOCK=infinity
LimitNICE=-20

[Install]
WantedBy={TARGET}
"""


def target_text(services: Sequence[str]) -> str:
    """The unit that a person starts and stops: the whole robot."""
    return f"""[Unit]
Description=Takt, the whole robot
Wants={" ".join(f"takt-{name}.service" for name in services)}

[Install]
WantedBy=multi-user.target
"""


def udev_text(boards: Sequence[UsbSerial]) -> str:
    """Rules that give the board one name, /dev/takt_board, and keep modem probing and buffering away from it."""
    lines = ["# Written by `takt install`: the microcontroller's serial line, whichever adapter carries it."]
    for board in boards:
        match = (
            f'SUBSYSTEM=="tty", ATTRS{{idVendor}}=="{board.vendor}", ATTRS{{idProduct}}=="{board.product}"'
        )
        lines.append(f"# {board.what}")
        lines.append(
            f'{match}, SYMLINK+="takt_board", GROUP="dialout", MODE="0660", ENV{{ID_MM_DEVICE_IGNORE}}="1"'
        )
    lines.append("# FTDI adapters gather bytes for 16 ms unless told otherwise")
    lines.append('SUBSYSTEM=="usb-serial", DRIVER=="ftdi_sio", ATTR{latency_timer}="1"')
    return "\n".join([*lines, ""])


def _quoted(word: str) -> str:
    """A word as systemd reads it: % and $ are its own, blanks need quotes."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%").replace("$", "$$")
    return f'"{escaped}"' if escaped == "" or any(c in escaped for c in " \t'\"") else escaped
