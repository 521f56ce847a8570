"""A robot's computer as a folder of files: healthy as it stands; a test plants what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from takt import graph, resources
from takt.doctor.machine import Machine
from takt.install.command import files_for, with_supervisor
from takt.install.units import KNOWN_BOARDS

NOW_S = 2e9
USB = "/sys/devices/pci0/usb1/1-1"

FILES = {
    "/proc/version": "Linux version 6.8.2-rt11 (gcc) #1 SMP PREEMPT_RT Tue",
    "/proc/cmdline": "quiet",
    "/proc/self/status": "Uid:\t1000\t1000\nGid:\t1000\t1000\nGroups:\t20 44 1000\nCapEff:\t0000000000000000\n",
    "/proc/self/limits": "Limit  Soft Limit  Hard Limit  Units\n"
    "Max locked memory         unlimited            unlimited            bytes\n"
    "Max realtime priority     95                   95\n"
    "Max open files            4096                 4096                 files\n",
    "/proc/self/cgroup": "0::/user.slice\n",
    "/proc/sys/kernel/sched_rt_runtime_us": "950000",
    "/proc/sys/kernel/sched_rt_period_us": "1000000",
    "/proc/sys/kernel/tainted": "0",
    "/proc/sys/net/ipv4/ip_local_port_range": "32768\t60999",
    "/proc/uptime": "4000.0 8000.0",
    "/proc/stat": "cpu  1000 0 500 90000 10 0 5 0 0 0\n",
    "/proc/cpuinfo": "processor : 0\nflags : fpu sse2\n",
    "/proc/pressure/cpu": "some avg10=0.00 avg60=1.50 avg300=0.00 total=1",
    "/proc/swaps": "Filename Type Size Used Priority\n",
    "/proc/meminfo": "MemTotal: 8000000 kB\nMemAvailable:    6000000 kB\n",
    "/proc/mounts": "/dev/nvme0n1p2 / ext4 rw 0 0\n",
    "/proc/net/udp": "  sl  local_address rem_address\n  1: 00000000:1CF2 00000000:0000\n",
    "/proc/interrupts": "      CPU0 CPU1\n 30:  1  0  IO-APIC xhci_hcd:usb1\n",
    "/proc/irq/30/smp_affinity_list": "0-3",
    "/proc/700/comm": "chronyd",
    "/sys/kernel/realtime": "1",
    "/sys/kernel/mm/transparent_hugepage/enabled": "always [madvise] never",
    "/sys/devices/system/cpu/online": "0-3",
    "/sys/devices/system/cpu/offline": "",
    "/sys/devices/system/cpu/isolated": "",
    "/sys/devices/system/clocksource/clocksource0/current_clocksource": "tsc",
    "/sys/devices/system/clocksource/clocksource0/available_clocksource": "tsc hpet acpi_pm",
    **{f"/sys/devices/system/cpu/cpu{n}/cpufreq/scaling_governor": "performance" for n in range(4)},
    "/sys/devices/system/cpu/cpu0/cpuidle/state0/latency": "0",
    "/sys/devices/system/cpu/cpu0/cpuidle/state1/latency": "2",
    "/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count": "0",
    "/sys/class/thermal/thermal_zone0/temp": "45000",
    "/sys/class/thermal/thermal_zone0/type": "x86_pkg_temp",
    "/sys/class/thermal/thermal_zone0/trip_point_0_type": "passive",
    "/sys/class/thermal/thermal_zone0/trip_point_0_temp": "95000",
    "/sys/class/video4linux/video0/name": "Global Shutter Camera",
    "/sys/block/nvme0n1/queue/rotational": "0",
    f"{USB}/idVendor": "0483",
    f"{USB}/idProduct": "374b",
    f"{USB}/power/control": "on",
    f"{USB}/1-1:1.2/driver-name": "",
    "/dev/ttyACM0": "",
    "/dev/video0": "",
    "/dev/cpu_dma_latency": "",
    "/etc/group": "dialout:x:20:me\nvideo:x:44:me\n",
    "/etc/os-release": 'PRETTY_NAME="Ubuntu 24.04 LTS"\nID=ubuntu',
}
LINKS = {
    "/dev/takt_board": "ttyACM0",
    "/sys/class/tty/ttyACM0/device": "../../../devices/pci0/usb1/1-1/1-1:1.2",
    "/etc/systemd/system/multi-user.target.wants/takt.target": "../takt.target",
}


class PlantedMachine(Machine):
    """Its root is a folder of the test's own; what is no file stands in attributes."""

    architecture = "x86_64"
    now_s = NOW_S
    python_version = (3, 12)

    def __init__(self, root: Path, environment: dict[str, str], tree: Path | None = None) -> None:
        super().__init__(root, environment, tree=tree)
        self.space = {"/dev/shm": (3000 << 20, 4000 << 20)}
        self.sync = 0.004
        self.clock_error: float | None = 0.002
        self.multicast = True
        self.told: str | None = self.contract.hash_property
        self.offered = ["CPUExecutionProvider"]
        self.versions: dict[str, str | None] = {"numpy": "2.4.6", "onnxruntime": "1.31.1"}
        self.failed_units: str | None = ""

    def plant(self, path: str, text: str, mode: int = 0o666) -> None:
        file = self.on_disk(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        file.chmod(mode)

    def link(self, path: str, target: str) -> None:
        file = self.on_disk(path)
        file.parent.mkdir(parents=True, exist_ok=True)
        file.symlink_to(target)

    def remove(self, path: str) -> None:
        self.on_disk(path).unlink()

    def edit(self, path: str, old: str, new: str) -> None:
        text = self.on_disk(path).read_text()
        assert old in text
        self.plant(path, text.replace(old, new))

    def space_bytes(self, path: str) -> tuple[int, int]:
        return self.space.get(path, (50 << 30, 100 << 30))

    def sync_s(self, folder: str) -> float:
        return self.sync

    def clock_error_s(self) -> float | None:
        return self.clock_error

    def multicast_arrives(self) -> bool:
        return self.multicast

    def board_property(self, port: str, baud: int) -> str | None:
        return self.told

    def providers(self) -> list[str]:
        return self.offered

    def package_version(self, name: str) -> str | None:
        return self.versions.get(name, "1.0")

    def output(self, *command: str) -> str | None:
        assert command[0] == "systemctl"
        return self.failed_units


@pytest.fixture
def machine(tmp_path):
    """A healthy robot: every check is content with it."""
    profile = "/opt/takt/fastdds.xml"
    environment = {"FASTDDS_DEFAULT_PROFILES_FILE": profile, "HOME": "/home/me", "ROS_DISTRO": "jazzy"}
    planted = PlantedMachine(tmp_path, environment)
    for path, text in FILES.items():
        planted.plant(path, text)
    for path, target in LINKS.items():
        planted.link(path, target)
    planted.plant(profile, resources.path("config/fastdds.xml").read_text())
    processes = with_supervisor(graph.robot("/dev/takt_board"), "operator")
    for path, text in files_for(processes, "me", list(KNOWN_BOARDS), environment).items():
        planted.plant(path, text)
        for row in text.splitlines():
            if row.startswith("ExecStart="):
                planted.plant(row.removeprefix("ExecStart=").split()[0].strip('"'), "#!")
    planted.on_disk("/dev/shm").mkdir()
    return planted
