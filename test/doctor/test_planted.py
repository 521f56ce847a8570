"""A healthy robot passes every check; each planted misconfiguration is found by the check for it, with its fix."""

from __future__ import annotations

import fcntl
import os
import shutil

import pytest

from takt import resources
from takt.doctor.check import ROBOT, SIMULATION, State
from takt.doctor.checks import CHECKS, chosen
from takt.doctor.command import examine

CPU, ETC = "/sys/devices/system/cpu", "/etc/systemd/system"
LIMITS, RULES = "/proc/self/limits", "/etc/udev/rules.d/99-takt.rules"


def found(machine, name, profile=ROBOT):
    (only,), _ = examine(machine, [name], profile)
    return only.finding


def test_a_healthy_robot_passes_every_check(machine):
    results, profile = examine(machine, [], None)
    assert profile == ROBOT
    complaints = {r.check.name: r.finding for r in results if r.finding.state not in (State.OK, State.SKIP)}
    assert complaints == {}
    skipped = {r.check.name for r in results if r.finding.state is State.SKIP}
    assert skipped <= {"power_mode", "built_firmware"}


# check, what is planted, state, a piece of the fix, a piece of what is told
PLANTED = [
    ("preempt_rt", lambda m: (m.plant("/proc/version", "Linux version 6.8.0 x #1 SMP PREEMPT_DYNAMIC y"), m.remove("/sys/kernel/realtime")), "warn", "pro enable realtime-kernel", "PREEMPT_DYNAMIC"),
    ("isolated_cpus", lambda m: m.plant("/proc/cmdline", "quiet isolcpus=domain,2-3"), "warn", "CPUAffinity=2,3", "the robot shares 2"),
    ("nohz_full", lambda m: m.plant(f"{CPU}/isolated", "2-3"), "warn", "add nohz_full=2,3", "2,3"),
    ("rcu_nocbs", lambda m: m.plant("/proc/cmdline", "isolcpus=3 rcu_nocbs=2"), "warn", "add rcu_nocbs=3", "CPUs 3"),
    ("rt_throttling", lambda m: m.plant("/proc/sys/kernel/sched_rt_runtime_us", "0"), "fail", "sched_rt_runtime_us=950000", "no time at all"),
    ("rt_throttling", lambda m: m.plant("/proc/sys/kernel/sched_rt_runtime_us", "-1"), "warn", "sched_rt_runtime_us=950000", "freezes"),
    ("rt_throttling", lambda m: m.plant("/proc/sys/kernel/sched_rt_runtime_us", "500000"), "warn", "=950000", "50 %"),
    ("rt_group", lambda m: (m.plant("/proc/self/cgroup", "4:cpu,cpuacct:/box\n"), m.plant("/sys/fs/cgroup/cpu/box/cpu.rt_runtime_us", "0")), "fail", "tee /sys/fs/cgroup/cpu/box/cpu.rt_runtime_us", "SCHED_FIFO"),
    ("clock_source", lambda m: m.plant("/sys/devices/system/clocksource/clocksource0/current_clocksource", "hpet"), "warn", "echo tsc", "hpet"),
    ("uptime", lambda m: m.plant("/proc/uptime", "12.3 4.0"), "warn", "sleep 48", "12 s"),
    ("kernel_health", lambda m: m.plant("/proc/sys/kernel/tainted", "512"), "warn", "dmesg", "it warned"),
    ("cpu_count", lambda m: m.plant(f"{CPU}/offline", "4-5"), "warn", "cpu4/online", "4-5"),
    ("cpu_quota", lambda m: m.plant("/sys/fs/cgroup/user.slice/cpu.max", "150000 100000"), "warn", "CPUQuota=", "1.50 CPUs"),
    ("governor", lambda m: m.plant(f"{CPU}/cpu2/cpufreq/scaling_governor", "powersave"), "warn", "echo performance", "powersave"),
    ("c_states", lambda m: (m.plant(f"{CPU}/cpu0/cpuidle/state4/latency", "350"), m.plant(f"{CPU}/cpu0/cpuidle/state4/name", "C10")), "warn", "cpupower idle-set -D", "C10 takes 350 us"),
    ("cpu_dma_latency", lambda m: m.plant("/dev/cpu_dma_latency", "", mode=0o000), "warn", "98-takt-latency.rules", "closed"),
    ("temperature", lambda m: m.plant("/sys/class/thermal/thermal_zone0/temp", "97000"), "fail", "fan", "97 C"),
    ("throttled", lambda m: m.plant(f"{CPU}/cpu0/thermal_throttle/core_throttle_count", "41"), "warn", "fan", "41 times"),
    ("throttled", lambda m: m.plant("/sys/devices/platform/soc/soc:firmware/get_throttled", "10005"), "fail", "5 V", "voltage"),
    ("steal", lambda m: m.plant("/proc/stat", "cpu  1000 0 500 90000 10 0 5 300 0 0"), "fail", "computer of its own", "of the busy time"),
    ("bare_metal", lambda m: m.plant("/proc/cpuinfo", "flags : fpu hypervisor lahf_lm"), "warn", "computer itself", "virtual"),
    ("pressure", lambda m: m.plant("/proc/pressure/cpu", "some avg10=0.00 avg60=43.21 avg300=1.00 total=1"), "warn", "ps -eo", "43.2 %"),
    ("transparent_huge_pages", lambda m: m.plant("/sys/kernel/mm/transparent_hugepage/enabled", "[always] madvise never"), "warn", "echo madvise", "always"),
    ("swap", lambda m: m.plant("/proc/swaps", "Filename Type\n/dev/zram0 partition\n/dev/sda3 partition 9 0 -2\n"), "warn", "swapoff -a", "/dev/sda3"),
    ("memory", lambda m: m.plant("/proc/meminfo", "MemAvailable:  100000 kB"), "fail", "ps -eo rss", "97 MB"),
    ("shm_size", lambda m: m.space.update({"/dev/shm": (64 << 20, 64 << 20)}), "fail", "--shm-size=512m", "64 of 64 MB"),
    ("disk_space", lambda m: m.space.update({"/home/me/.ros/takt": (20 << 20, 1 << 30)}), "fail", "du -xh", "20 MB"),
    ("disk_speed", lambda m: setattr(m, "sync", 0.35), "warn", "SSD", "350.0 ms"),
    ("rtprio", lambda m: m.edit(LIMITS, "Max realtime priority     95", "Max realtime priority     0"), "fail", "rtprio 95' | sudo tee -a /etc/security/limits.d/takt.conf", "asks for 80"),
    ("memlock", lambda m: m.edit(LIMITS, "Max locked memory         unlimited", "Max locked memory         8388608"), "fail", "memlock unlimited", "8 MB"),
    ("nofile", lambda m: m.edit(LIMITS, "Max open files            4096", "Max open files            256"), "warn", "ulimit -n", "256"),
    ("group_dialout", lambda m: m.edit("/proc/self/status", "Groups:\t20 44", "Groups:\t44"), "fail", "usermod -aG dialout", "not in dialout"),
    ("group_video", lambda m: m.edit("/etc/group", "video:x:44", "video:x:99"), "fail", "usermod -aG video", "not in video"),
    ("port_present", lambda m: (m.remove("/dev/ttyACM0"), m.remove("/dev/takt_board")), "fail", "plug the board in", "no /dev/takt_board"),
    ("port_permission", lambda m: m.plant("/dev/ttyACM0", "", mode=0o000), "fail", "usermod -aG dialout", "closed"),
    ("udev_rule", lambda m: m.remove(RULES), "fail", "takt) install", "missing"),
    ("udev_rule", lambda m: m.plant("/sys/devices/pci0/usb1/1-1/idProduct", "7523"), "fail", "--board 0483:7523", "does not name"),
    ("udev_rule", lambda m: m.remove("/dev/takt_board"), "fail", "udevadm trigger", "/dev/takt_board is not there"),
    ("modem_manager", lambda m: (m.plant("/proc/801/comm", "ModemManager"), m.remove(RULES)), "fail", "disable --now ModemManager", "running"),
    ("brltty", lambda m: m.plant("/usr/lib/udev/rules.d/85-brltty.rules", ""), "warn", "remove brltty", "rules"),
    ("latency_timer", lambda m: m.plant("/sys/bus/usb-serial/devices/ttyACM0/latency_timer", "16"), "fail", "echo 1 | sudo tee /sys/bus/usb-serial", "16 ms"),
    ("low_latency", lambda m: m.plant("/sys/class/tty/ttyACM0/flags", "0x10000040"), "warn", "setserial /dev/ttyACM0 low_latency", "not set"),
    ("usb_autosuspend", lambda m: m.plant("/sys/devices/pci0/usb1/1-1/power/control", "auto"), "warn", "echo on", "auto"),
    ("irq_affinity", lambda m: m.plant(f"{CPU}/isolated", "2-3"), "warn", "echo 0,1 | sudo tee /proc/irq/30/smp_affinity_list", "30"),
    ("irqbalance", lambda m: (m.plant("/proc/802/comm", "irqbalance"), m.plant(f"{CPU}/isolated", "3")), "warn", "disable --now irqbalance", "set apart"),
    ("clock_sync", lambda m: (setattr(m, "clock_error", None), m.remove("/proc/700/comm")), "warn", "install chrony", "unsynchronised"),
    ("clock_sync", lambda m: setattr(m, "clock_error", 0.5), "warn", "chronyc", "500 ms"),
    ("clock_keepers", lambda m: m.plant("/proc/701/comm", "systemd-timesyn"), "fail", "disable --now systemd-timesyncd", "chronyd and"),
    ("clock_plausible", lambda m: setattr(m, "now_s", 1e9), "fail", "restart chrony", "before the contract"),
    ("dds_profile", lambda m: m.environment.pop("FASTDDS_DEFAULT_PROFILES_FILE"), "warn", "export FASTDDS_DEFAULT_PROFILES_FILE=", "no profile"),
    ("dds_profile", lambda m: m.remove("/opt/takt/fastdds.xml"), "fail", "export FASTDDS_DEFAULT_PROFILES_FILE=", "cannot be read"),
    ("dds_profile", lambda m: m.plant("/opt/takt/fastdds.xml", "<dds><"), "fail", "export FASTDDS", "no XML"),
    ("rmw", lambda m: m.environment.update(RMW_IMPLEMENTATION="rmw_cyclonedds_cpp"), "warn", "RMW_IMPLEMENTATION=rmw_fastrtps_cpp", "cyclone"),
    ("ros_domain", lambda m: m.environment.update(ROS_DOMAIN_ID="233"), "fail", "export ROS_DOMAIN_ID=0", "233"),
    ("ros_domain", lambda m: m.environment.update(ROS_DOMAIN_ID="110"), "warn", "at most 101", "34900"),
    ("discovery_range", lambda m: m.environment.update(ROS_AUTOMATIC_DISCOVERY_RANGE="off"), "fail", "unset ROS_AUTOMATIC", "OFF"),
    ("discovery_range", lambda m: m.environment.update(ROS_STATIC_PEERS="10.0.0.7"), "warn", "unset ROS_STATIC_PEERS", "10.0.0.7"),
    ("loopback_multicast", lambda m: setattr(m, "multicast", False), "fail", "ip link set lo up multicast on", "does not come back"),
    ("service_environment", lambda m: m.environment.update(ROS_DOMAIN_ID="7"), "warn", "export ROS_DOMAIN_ID=0", "domain 0, this shell 7"),
    ("python", lambda m: setattr(m, "python_version", (3, 8)), "fail", "Ubuntu 22.04", "3.8"),
    ("rclpy", lambda m: m.versions.update(rclpy=None), "fail", "setup.bash", "not installed"),
    ("numpy", lambda m: m.versions.update(numpy="1.19.5"), "fail", "python3-numpy", "1.21 is the least"),
    ("onnxruntime", lambda m: m.versions.update({"onnxruntime": None, "onnxruntime-gpu": None}), "fail", "install onnxruntime", "not installed"),
    ("packages", lambda m: m.versions.update(fastcrc=None), "fail", "install fastcrc", "fastcrc"),
    ("camera_present", lambda m: m.remove("/dev/video0"), "fail", "lsusb", "no /dev/video"),
    ("camera_permission", lambda m: m.plant("/dev/video0", "", mode=0o000), "fail", "usermod -aG video", "closed"),
    ("gpu", lambda m: m.plant("/dev/nvidia0", ""), "warn", "onnxruntime-gpu", "offers only CPU"),
    ("power_mode", lambda m: (m.plant("/etc/nv_tegra_release", "R36"), m.plant("/etc/nvpmodel.conf", "< POWER_MODEL ID=0 NAME=15W >\n< POWER_MODEL ID=2 NAME=MAXN_SUPER >"), m.plant("/var/lib/nvpmodel/status", "pmode:0000")), "warn", "nvpmodel -m 2", "15W"),
    ("board_contract", lambda m: setattr(m, "told", "0" * len(m.told)), "fail", "flash it", "another contract"),
    ("board_contract", lambda m: setattr(m, "told", None), "warn", "takt flash BOARD", "/dev/takt_board"),
    ("units_installed", lambda m: m.remove(f"{ETC}/takt-planner.service"), "fail", "takt) install", "takt-planner.service"),
    ("units_installed", lambda m: m.remove(f"{ETC}/multi-user.target.wants/takt.target"), "warn", "enable --now takt.target", "by itself"),
    ("units_whole", lambda m: m.plant(f"{ETC}/takt-agent.service", "ExecStart=/gone/takt_agent\n"), "fail", "takt) install", "/gone/takt_agent"),
    ("units_running", lambda m: setattr(m, "failed_units", "takt-camera.service loaded failed failed Takt"), "fail", "journalctl -u takt-camera.service", "takt-camera"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "plant", "state", "fix", "told"), PLANTED, ids=[f"{n}-{row[0]}" for n, row in enumerate(PLANTED)]
)
def test_what_is_planted_is_found_with_its_fix(machine, name, plant, state, fix, told):
    before = found(machine, name).state
    machine.__dict__.pop("status", None)
    machine.__dict__.pop("processes", None)
    plant(machine)
    finding = found(machine, name)
    assert before in (State.OK, State.SKIP)
    assert (finding.state.value, fix in finding.fix, told in finding.found) == (state, True, True), finding


def test_a_complaint_always_has_its_fix_and_its_reason():
    for check in chosen([]):
        assert check.why.endswith(".") and len(check.why) > 30, check.name
    assert len(CHECKS) >= 30
    assert len({check.name for check in CHECKS}) == len(CHECKS)


def test_what_an_absent_owner_left_in_shared_memory_is_found(machine):
    shm = machine.on_disk("/dev/shm")
    for name in ("fastdds_0123456789abcdef", "fastdds_fedcba9876543210"):
        (shm / name).write_bytes(bytes(20_000_000))
        (shm / f"{name}_el").touch()
    with (shm / "fastdds_fedcba9876543210_el").open("r+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        finding = found(machine, "shm_segments")
    assert (finding.state, finding.found) == (State.WARN, "1 segments without an owner, 20 MB")
    assert finding.fix.endswith("-m takt.install.dds_segments")


def test_a_stranger_on_the_line_is_named(machine):
    machine.plant("/proc/900/comm", "minicom")
    machine.link("/proc/900/fd/5", str(machine.on_disk("/dev/ttyACM0")))
    finding = found(machine, "port_alone")
    assert finding.state is State.FAIL and "minicom" in finding.found and "fuser" in finding.fix


def test_two_agents_on_the_line_are_one_too_many(machine):
    for process in (901, 902):
        machine.plant(f"/proc/{process}/comm", "takt_agent")
        machine.link(f"/proc/{process}/fd/5", str(machine.on_disk("/dev/ttyACM0")))
    assert found(machine, "port_alone").state is State.FAIL
    assert "diagnostics" in found(machine, "board_contract").found  # the agent knows


def test_a_firmware_on_this_host_is_the_board_and_no_rival(machine):
    machine.plant("/proc/903/comm", "takt_firmware")
    machine.link("/proc/903/fd/5", str(machine.on_disk("/dev/ttyACM0")))
    assert found(machine, "board_contract").state is State.OK
    assert found(machine, "port_alone").found == "nobody else holds it open"


@pytest.fixture
def tree(tmp_path):
    """A source tree of its own, as far as the contract and what is generated from it go."""
    root, own = tmp_path / "tree", resources.path("firmware").parent
    for part in ("config", "docs", "ros_nodes/takt/contract/generated", "firmware/core/generated"):
        shutil.copytree(own / part, root / part)
    shutil.copytree(own / "firmware/micropython/generated", root / "firmware/micropython/generated")
    return root


def test_a_tree_in_step_passes(machine, tree):
    machine.tree = tree
    assert [found(machine, name).state for name in ("contract_valid", "generated_files")] == [State.OK] * 2


def test_a_changed_contract_makes_generated_files_old(machine, tree):
    machine.tree = tree
    contract = tree / "config/contract.yaml"
    contract.write_text(contract.read_text().replace("command_silence_ms: 100", "command_silence_ms: 90"))
    del machine.contract
    finding = found(machine, "generated_files")
    assert finding.state is State.FAIL
    assert "takt_contract.h" in finding.found and "takt contract generate" in finding.fix


def test_an_impossible_contract_fails_with_the_contracts_own_words(machine, tree):
    machine.tree = tree
    contract = tree / "config/contract.yaml"
    contract.write_text(contract.read_text().replace("baud: 921600", "baud: 9600"))
    del machine.contract
    finding = found(machine, "contract_valid")
    assert finding.state is State.FAIL and finding.fix


def test_an_image_of_another_contract_is_found(machine, tree):
    machine.tree = tree
    image = tree / "build/firmware/takt_firmware"
    image.parent.mkdir(parents=True)
    image.write_bytes(b"\x7fELF\0" + machine.contract.hash_property.encode() + b"\0")
    assert found(machine, "built_firmware").state is State.OK
    image.write_bytes(b"\x7fELF\0" + b"0" * len(machine.contract.hash_property) + b"\0")
    finding = found(machine, "built_firmware")
    assert (finding.state, finding.fix) == (State.FAIL, "./run firmware posix")


def test_a_folder_for_records_that_cannot_be_written_is_a_failure(machine):
    def refuse(folder):
        raise PermissionError(13, "Permission denied")

    machine.sync_s = refuse
    finding = found(machine, "disk_speed")
    assert (finding.state, finding.fix) == (State.FAIL, "sudo chown -R $USER /home/me/.ros/takt")


def test_a_check_that_stumbles_is_unknown_and_hides_no_other(machine):
    del machine.environment
    results, _ = examine(machine, [], ROBOT)
    states = {result.check.name: result.finding.state for result in results}
    assert states["dds_profile"] is State.UNKNOWN and states["governor"] is State.OK


def test_a_simulation_asks_for_less(machine):
    machine.edit(LIMITS, "Max realtime priority     95", "Max realtime priority     0")
    assert found(machine, "rtprio", ROBOT).state is State.FAIL
    assert found(machine, "rtprio", SIMULATION).state is State.WARN
    machine.remove("/dev/video0")
    assert found(machine, "camera_present", SIMULATION).state is State.SKIP


@pytest.mark.parametrize("rubbish", ["", "\0\xff", "-", "999999999999999999999", "a b c\nd: e\n"])
def test_rubbish_in_any_file_is_never_an_exception(machine, rubbish):
    for folder in ("proc", "sys", "etc", "opt"):
        for file in (machine.root / folder).rglob("*"):
            if file.is_file() and not file.is_symlink():
                file.write_text(rubbish)
    results, _ = examine(machine, [], ROBOT)
    assert len(results) == len(CHECKS)


def test_an_empty_computer_is_never_an_exception(machine, tmp_path):
    machine.root = tmp_path / "nothing"
    os.mkdir(machine.root)
    results, _ = examine(machine, [], ROBOT)
    assert any(result.finding.state is State.UNKNOWN for result in results)
