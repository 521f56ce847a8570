"""Which processes make a robot: one description, read by the demo, the launch files and the service installer.

Pure data. The simulated and the real robot share the middle (camera to agent) and differ at the ends.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import takt.contract
from takt import firmware_ports
from takt.dashboard.listener import LOOPBACK
from takt.gazebo.topics import IMAGE
from takt.trouble.sockets import BOARD_SOCKET, LINE_SOCKET, PLANT_SOCKET
from takt.twin.episode import LineQuality

Parameter = str | int | float | bool
RECORDINGS = "recordings"  # the folder of them in that of a run


@dataclass(frozen=True)
class Process:
    """One process. ``executable`` is a console script of this package, or the path of a program.

    ``ros`` says that it takes ``--ros-args`` and ``parameters``; ``lifecycle`` that the supervisor drives it to
    active; ``restart`` that it is started again when it dies; ``spare`` that another one waits, started but for ROS.
    """

    name: str
    executable: str
    arguments: tuple[str, ...] = ()
    parameters: dict[str, Parameter] = field(default_factory=dict)
    ros: bool = True
    lifecycle: bool = False
    restart: bool = True
    spare: bool = False


@dataclass(frozen=True)
class SimOptions:
    """What a simulated run may vary. Paths are absolute; ``run_dir`` holds its ptys, logs and records."""

    run_dir: Path
    firmware: Path
    port: str = "posix"  # a name of takt.firmware_ports.PORTS: how ``firmware`` is started
    seed: int = 1
    seconds: float = 40.0
    name: str = "takt"  # prefix of the shared memory segments: two runs on one machine do not meet
    weights: str = ""
    dashboard_port: int | None = 8080
    blank_camera_at_s: float = -1.0
    cut_link_at_s: float = -1.0
    rearm: str = "automatic"
    record: bool = False  # all of the run, beside the black box
    line: LineQuality | None = None  # of a line simulator before the board; board and plant then take orders
    board_drift_ppm: float = 0.0
    board: tuple[str, str] | None = None  # serial devices of a real board: link, and plant stream


def simulation(options: SimOptions) -> list[Process]:
    """The robot in MuJoCo: firmware process and plant at one end, rendered camera at the other."""
    run, segment = options.run_dir, f"{options.name}_camera"
    device = Path(options.board[0]) if options.board else run / "link"
    ends = [_plant(options)] if options.board else [_firmware(options), _plant(options)]
    if options.cut_link_at_s >= 0.0:
        ends.append(_cable(run, options.cut_link_at_s))
        device = run / "cable"
    if options.line is not None:
        ends.append(_line(run, options.line, options.seed))
        device = run / "cable"
    camera: dict[str, Parameter] = {"source": "mujoco", "plant_state": f"{options.name}_plant"}
    camera["blank_after_s"] = options.blank_camera_at_s
    middle = _middle(segment, str(device), camera, options.weights, options.dashboard_port)
    return [*ends, *middle, _recorder(segment, run, options.record)]


def gazebo(options: SimOptions, transport: str = "ros_gz") -> list[Process]:
    """The robot in Gazebo, whose server is someone else's: the posix firmware by the simulation's clock, and our node
    between its plant stream and Gazebo's joints. Every process with ROS runs in simulated time."""
    run = options.run_dir
    lines = ("--link", f"pty:{run / 'link'}", "--plant", f"unix:{run / 'plant'}")
    how = ("--retained", f"/dev/shm/{options.name}_retained", "--clock", "plant")
    edge: dict[str, Parameter] = {"plant": str(run / "plant"), "seed": options.seed, "transport": transport}
    ends = [
        Process("firmware", str(options.firmware), (*lines, *how), ros=False),
        Process("gazebo_plant", "takt_gazebo_plant", parameters=edge),
    ]
    camera: dict[str, Parameter] = {"source": "topic", "topic": IMAGE.ros_name}
    ring = f"{options.name}_camera"
    middle = _middle(ring, str(run / "link"), camera, options.weights, options.dashboard_port)
    return [
        replace(one, parameters={**one.parameters, "use_sim_time": True}) if one.ros else one
        for one in [*ends, *middle, _recorder(ring, run, options.record)]
    ]


def robot(
    port: str,
    dashboard_port: int | None = 8080,
    weights: str = "",
    source: str = "v4l2",
    dashboard_address: str = LOOPBACK,
) -> list[Process]:
    """The real robot: a board on ``port`` at one end, a real camera at the other."""
    ring = "takt_camera"
    middle = _middle(ring, port, {"source": source}, weights, dashboard_port)
    for process in middle:
        if process.name == "dashboard":
            process.parameters["address"] = dashboard_address
    return [*middle, _recorder(ring, None, whole_run=False)]


def supervisor_parameters(graph: list[Process], rearm: str) -> dict[str, Parameter]:
    """What the supervisor must know of the graph when someone else (ros2 launch) starts the processes."""
    driven = ",".join(process.name for process in graph if process.lifecycle)
    camera = next(process.parameters for process in graph if process.name == "camera")
    parameters: dict[str, Parameter] = {"lifecycle_nodes": driven, "ring": camera["ring"], "rearm": rearm}
    parameters["board_on_host"] = any(process.name == "firmware" for process in graph)
    return {**parameters, "use_sim_time": True} if camera.get("use_sim_time") else parameters


def save(graph: list[Process], path: Path) -> None:
    """Write the graph as JSON, for the supervisor that is to run it."""
    path.write_text(json.dumps([asdict(process) for process in graph], indent=1))


def load(path: Path) -> list[Process]:
    """Read a graph that ``save`` wrote."""
    rows = json.loads(path.read_text())
    return [Process(**{**row, "arguments": tuple(row["arguments"])}) for row in rows]


def _firmware(options: SimOptions) -> Process:
    run = options.run_dir
    retained = Path(f"/dev/shm/{options.name}_retained")
    priority = takt.contract.load().scheduling.firmware
    lines = firmware_ports.Lines(options.firmware, run / "link", run / "plant", retained, priority)
    program, arguments = firmware_ports.PORTS[options.port].command(lines)
    if options.line is not None and options.port == "posix":
        arguments += ("--clock-drift-ppm", f"{options.board_drift_ppm:g}")
        arguments += ("--orders", str(run / BOARD_SOCKET))
    return Process("firmware", program, arguments, ros=False)


def _plant(options: SimOptions) -> Process:
    run = options.run_dir
    where = (
        "--plant",
        options.board[1] if options.board else str(run / "plant"),
        "--state",
        f"{options.name}_plant",
        "--log",
        str(run / "plant.log"),
    )
    what: tuple[str, ...] = ("--seed", str(options.seed), "--seconds", str(options.seconds))
    if options.line is not None:
        what += ("--orders", str(run / PLANT_SOCKET))
    every = firmware_ports.PORTS[options.port].sample_every
    if every != 1:
        what += ("--sample-every", str(every))
    return Process("plant", "takt_plant", where + what, ros=False, restart=False)


def _line(run: Path, quality: LineQuality, seed: int) -> Process:
    """Part of the simulated world, so that its priority is the plant's."""
    ways = (
        "line",
        "--a",
        str(run / "cable"),
        "--b",
        f"dev:{run / 'link'}",
        "--control",
        str(run / LINE_SOCKET),
    )
    priority = takt.contract.load().scheduling.plant
    how = ("--baud", str(quality.baud), "--delay-ms", f"{quality.latency_ms:g}", "--fifo", str(priority))
    rates = (("drop", quality.drop_rate), ("flip", quality.flip_rate), ("duplicate", quality.duplicate_rate))
    harm = [word for name, rate in rates for word in (f"--{name}", f"{rate:g}")]
    arguments = ("-m", "takt.cli", *ways, *how, *harm, "--seed", str(seed))
    return Process("line", "python3", arguments, ros=False)


def _cable(run: Path, cut_at_s: float) -> Process:
    arguments = ("--device", str(run / "link"), "--far-end", str(run / "cable"), "--cut-at", str(cut_at_s))
    return Process("cable", "takt_cable", arguments, ros=False, restart=False)


def _middle(
    ring: str, device: str, camera: dict[str, Parameter], weights: str, dashboard_port: int | None
) -> list[Process]:
    processes = [
        Process("bystander", "takt_bystander", ("--ring", ring), ros=False),
        Process("agent", "takt_agent", parameters={"device": device, "wait_for_device": True, "ring": ring}),
        Process("camera", "takt_camera", parameters={"ring": ring, **camera}, lifecycle=True),
        Process(
            "detector",
            "takt_detector",
            parameters={"ring": ring, "weights": weights},
            lifecycle=True,
            spare=True,
        ),
        Process("planner", "takt_planner", parameters={"ring": ring}, lifecycle=True),
    ]
    if dashboard_port is not None:
        page: dict[str, Parameter] = {"ring": ring, "port": dashboard_port}
        processes.append(Process("dashboard", "takt_dashboard", parameters=page))
    return processes


def _recorder(ring: str, run: Path | None, whole_run: bool) -> Process:
    """The last of the graph, and soft: whoever is in a hurry goes first."""
    parameters: dict[str, Parameter] = {"ring": ring, "whole_run": whole_run}
    if run is not None:
        parameters["folder"] = str(run / RECORDINGS)
    return Process("recorder", "takt_recorder", parameters=parameters)
