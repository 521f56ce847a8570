"""The sections of config/contract.yaml as frozen dataclasses: attribute names are the YAML keys, with their units.

Each field states the allowed range and what it is for. The one exception in naming is the YAML key ``class``, a
reserved word in Python: the attribute is ``class_``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from takt.contract.fingerprint import section_hashes
from takt.contract.rules import Number, bound, choice, form, real, whole

DEADLINE_CLASSES = ("hard", "firm", "soft")
DIRECTIONS = ("host_to_board", "board_to_host")
RELIABILITIES = ("best_effort", "reliable")
PARAMETER_CHANGES = ("always", "standing", "disarmed", "never")
STAGES = ("capture", "detect", "plan", "link", "apply", "photon_to_motor")
_ROS_NAME = r"/?[A-Za-z][A-Za-z0-9_]*(/[A-Za-z][A-Za-z0-9_]*)*"
_ROS_TYPE = r"[a-z][a-z0-9_]*/(msg|srv)/[A-Z][A-Za-z0-9]*"


@dataclass(frozen=True)
class Robot:
    wheel_radius_m: float = real(0.005, 0.5, "radius of a driven wheel")
    wheel_separation_m: float = real(0.02, 2.0, "distance between the wheels' contact points")
    footprint_radius_m: float = real(0.02, 2.0, "circle that holds the whole robot, seen from above")
    encoder_counts_per_rev: int = whole(
        4, 1_000_000, "counts per turn of the wheel, after gearing and quadrature"
    )
    camera_width_px: int = whole(32, 4096, "picture width")
    camera_height_px: int = whole(32, 4096, "picture height")
    camera_rate_hz: int = whole(1, 240, "pictures per second")
    camera_horizontal_fov_rad: float = real(0.2, 3.0, "horizontal field of view")
    camera_x_m: float = real(-2.0, 2.0, "camera_link in base_link, forward on the centre line")
    camera_z_m: float = real(0.01, 3.0, "height of the camera above the ground")
    camera_pitch_rad: float = real(-1.5, 1.5, "pitch of the camera, positive looks down")


@dataclass(frozen=True)
class Limits:
    speed_m_s: float = real(0.01, 10.0, "forward speed of a command")
    yaw_rate_rad_s: float = real(0.01, 20.0, "turn rate of a command")
    acceleration_m_s2: float = real(0.01, 50.0, "change of forward speed")
    yaw_acceleration_rad_s2: float = real(0.01, 200.0, "change of turn rate")
    jerk_m_s3: float = real(0.01, 1000.0, "change of forward acceleration")
    yaw_jerk_rad_s3: float = real(0.01, 10000.0, "change of turn acceleration")
    wheel_speed_rad_s: float = real(0.1, 500.0, "speed that the motor can hold; wheel setpoints end here")


@dataclass(frozen=True)
class Control:
    rate_hz: int = whole(10, 1000, "control cycles per second on the board")
    feed_forward_per_rad_s: float = real(0.0, 10.0, "duty per rad/s of setpoint")
    kp_per_rad_s: float = real(0.0, 10.0, "duty per rad/s of error")
    ki_per_rad: float = real(0.0, 100.0, "duty per rad of summed error")
    kd_s_per_rad: float = real(0.0, 1.0, "duty per rad/s^2 of measured acceleration")
    derivative_filter_hz: float = real(0.1, 500.0, "corner of the derivative's low pass")
    duty_limit: float = real(0.05, 1.0, "largest share of the supply voltage")
    duty_slew_per_s: float = real(0.1, 1000.0, "change of duty")


@dataclass(frozen=True)
class Safety:
    command_silence_ms: int = whole(20, 1000, "no newly received command for this long: HOLD")
    stop_ramp_ms: int = whole(20, 2000, "HOLD takes the setpoint from top speed to zero in this time")
    link_silence_ms: int = whole(100, 5000, "no valid frame from the agent for this long: SAFE")
    link_time_exchange_hz: int = whole(1, 50, "time exchanges per second that the board starts")
    miss_window_cycles: int = whole(10, 128, "cycles over which missed deadlines are counted")
    miss_limit_board: int = whole(1, 100, "misses within the window that lead to SAFE on a board")
    miss_limit_posix: int = whole(1, 100, "the same on the posix port, where the host itself can stall")
    motor_silence_ms: int = whole(20, 1000, "a driver that hears nothing for this long switches off")
    encoder_dead_duty: float = real(0.01, 1.0, "duty beyond what the speed takes at which a wheel must turn")
    encoder_contrary_duty: float = real(
        0.05, 2.0, "duty against which nothing outside turns a wheel: tyres slip"
    )
    encoder_fault_ms: int = whole(20, 100, "a wheel that does not answer for this long is a fault")
    supply_low_mv: int = whole(0, 60_000, "less for a second is a warning; 0: not measured")
    supply_brown_out_mv: int = whole(0, 60_000, "less for 100 ms: SAFE; 0: not measured")
    rearm_per_minute: int = whole(0, 60, "automatic arm requests that the supervisor may make in a minute")


@dataclass(frozen=True)
class Planning:
    rate_hz: int = whole(5, 500, "planner ticks per second")
    follow_distance_m: float = real(0.2, 10.0, "distance kept to the target")
    lost_timeout_ms: int = whole(100, 10_000, "longer without a sighting: stop")
    obstacle_clearance_m: float = real(0.0, 2.0, "room kept between footprint and obstacle")


@dataclass(frozen=True)
class Topic:
    """One topic that crosses the serial link."""

    # "rt/" and the terminating NUL count into micro-ROS' 60 characters, too
    ros_name: str = form(
        _ROS_NAME, 56, "ROS name such as base/applied", "name, relative to the robot's namespace"
    )
    type: str = form(_ROS_TYPE, 80, "ROS type such as std_msgs/msg/UInt64", "ROS message type")
    direction: str = choice(DIRECTIONS, "who publishes")
    reliability: str = choice(RELIABILITIES, "DDS reliability")
    depth: int = whole(1, 1000, "history depth")
    rate_hz: int = whole(1, 1000, "highest sustained rate")
    class_: str = choice(DEADLINE_CLASSES, "what a late message means", key="class")
    max_age_ms: int = whole(1, 60_000, "older messages are not used")
    max_cdr_bytes: int = whole(1, 480, "largest serialised size, without encapsulation")

    @property
    def board_publishes(self) -> bool:
        return self.direction == "board_to_host"

    @property
    def reliable(self) -> bool:
        return self.reliability == "reliable"

    @property
    def dds_name(self) -> str:
        return "rt/" + self.ros_name.lstrip("/")

    @property
    def dds_type(self) -> str:
        return dds_type(self.type)


@dataclass(frozen=True)
class HostTopic:
    """One topic between processes of the host; the board knows nothing of it."""

    ros_name: str = form(
        _ROS_NAME, 56, "ROS name such as takt/misses", "name, relative to the robot's namespace"
    )
    type: str = form(_ROS_TYPE, 80, "ROS type such as std_msgs/msg/String", "ROS message type")
    reliability: str = choice(RELIABILITIES, "DDS reliability")
    depth: int = whole(1, 10_000, "history depth")
    rate_hz: int = whole(1, 1000, "highest sustained rate")
    class_: str = choice(DEADLINE_CLASSES, "what a late message means", key="class")
    max_age_ms: int = whole(1, 60_000, "older messages are not used")

    @property
    def reliable(self) -> bool:
        return self.reliability == "reliable"


@dataclass(frozen=True)
class SoftWork:
    """Work that is slowed when critical stages are short of time; kinds are slowed in the order of the file."""

    nice: int = whole(0, 19, "how far it stands back from other normal work")
    rate_hz: int = whole(1, 240, "times a second while all is well")
    slowed_hz: float = real(0.0, 240.0, "times a second while slowed; 0 is not at all")


@dataclass(frozen=True)
class Relief:
    """When soft work is slowed, and when it is let go again."""

    late_share: float = real(
        0.001, 1.0, "share of critical passes over their budget in a second: slow one more kind"
    )
    cpu_pressure_share: float = real(
        0.1, 1.0, "share of a second in which anybody waited for a processor: slow one more kind"
    )
    calm_share: float = real(0.0, 1.0, "share at or below which a second counts as calm")
    calm_s: float = real(0.1, 600.0, "calm for this long: let one kind go again")


@dataclass(frozen=True)
class Service:
    """One service that the board answers."""

    ros_name: str = form(
        _ROS_NAME, 48, "ROS name such as base/arm", "name, relative to the robot's namespace"
    )
    type: str = form(_ROS_TYPE, 80, "ROS type such as std_srvs/srv/SetBool", "ROS service type")
    class_: str = choice(DEADLINE_CLASSES, "what a late answer means", key="class")

    @property
    def request_type(self) -> str:
        return dds_type(self.type + "_Request")

    @property
    def reply_type(self) -> str:
        return dds_type(self.type + "_Response")

    @property
    def request_topic(self) -> str:
        return f"rq/{self.ros_name.lstrip('/')}Request"

    @property
    def reply_topic(self) -> str:
        return f"rr/{self.ros_name.lstrip('/')}Reply"


@dataclass(frozen=True)
class Parameter:
    """Range of one number of the contract that ROS may change on the running board; see takt.contract.parameters."""

    low: float | str = bound("smallest value that the board takes")
    high: float | str = bound("largest value that the board takes")
    step: float = real(0.0, 1000.0, "grid of the values, counted from low; 0 is none")
    change: str = choice(PARAMETER_CHANGES, "when the board lets it change")


@dataclass(frozen=True)
class Stage:
    class_: str = choice(DEADLINE_CLASSES, "what a late result means", key="class")
    budget_ms: float = real(0.1, 10_000.0, "time from entry to exit of the stage")


@dataclass(frozen=True)
class Ladder:
    reduced_speed_factor: float = real(0.05, 1.0, "share of the speed limits that REDUCED leaves")
    reduced_skip_ratio: float = real(0.01, 1.0, "REDUCED above this share of stale frames in the last second")
    hold_perception_age_ms: int = whole(20, 5000, "HOLD when the newest attached observation is older")
    safe_link_silence_ms: int = whole(100, 5000, "SAFE when the board is silent for this long")
    recover_ms: int = whole(0, 10_000, "conditions clear for this long before a rung up")


@dataclass(frozen=True)
class Link:
    baud: int = whole(9600, 12_000_000, "bits per second on the serial line, 8N1")
    mtu_bytes: int = whole(512, 512, "largest XRCE message of the client plus 4")
    history: int = whole(1, 16, "slots that a reliable stream keeps each way on the board")
    clock_bound_limit_ms: int = whole(1, 100, "a wider clock error bound counts as unlocked")
    clock_drift_limit_ppm: int = whole(1, 1000, "largest drift between the two clocks that is believed")


@dataclass(frozen=True)
class Scheduling:
    firmware: int = whole(0, 99, "SCHED_FIFO priority of the posix firmware's control thread")
    plant: int = whole(0, 99, "SCHED_FIFO priority of the simulated plant")
    agent: int = whole(0, 99, "SCHED_FIFO priority of the agent")
    planner: int = whole(0, 99, "SCHED_FIFO priority of the planner")
    detector: int = whole(0, 99, "SCHED_FIFO priority of the detector")
    camera: int = whole(0, 99, "SCHED_FIFO priority of the camera")
    supervisor: int = whole(0, 99, "SCHED_FIFO priority of the supervisor")
    dashboard: int = whole(0, 99, "SCHED_FIFO priority of the dashboard")


@dataclass(frozen=True)
class Recording:
    """The black box: what is kept, and which causes have it written."""

    keep_s: int = whole(5, 600, "what happened before the cause is kept for this long, in memory")
    after_s: int = whole(0, 60, "a recording goes on for this long after its last cause")
    memory_mib: int = whole(1, 1024, "most that is held in memory; the oldest goes first")
    file_mib: int = whole(1, 4096, "a recording ends at this size")
    files: int = whole(1, 1000, "recordings of a kind that are kept; the oldest goes first")
    burst_misses: int = whole(
        2, 1000, "so many missed deadlines, of host and board together, are a burst ..."
    )
    burst_window_ms: int = whole(
        10, 60_000, "... when they come within this time; a burst is a cause, as SAFE is"
    )
    picture_rate_hz: int = whole(0, 30, "pictures a second in a recording, as JPEG; 0: none")


@dataclass(frozen=True)
class Contract:
    """The whole contract. ``topics``, ``services``, ``parameters`` and ``stages`` are keyed by the name in the file, in
    its order."""

    schema_version: int
    robot: Robot
    limits: Limits
    control: Control
    safety: Safety
    planning: Planning
    topics: dict[str, Topic]
    services: dict[str, Service]
    parameters: dict[str, Parameter]
    stages: dict[str, Stage]
    ladder: Ladder
    link: Link
    scheduling: Scheduling
    host_topics: dict[str, HostTopic]
    soft_work: dict[str, SoftWork]
    relief: Relief
    recording: Recording

    @cached_property
    def hashes(self) -> dict[str, str]:
        """8 hex digits for each section, in the order of the shipped file."""
        return section_hashes(self)

    @property
    def hash_property(self) -> str:
        """What the link's handshake carries: the section hashes, one after the other."""
        return "".join(self.hashes.values())


SCHEMA_VERSION = Number(1, 1, whole=True)

# section -> dataclass of the section, or of each entry where the section is a table of entries
PLAIN_SECTIONS: dict[str, type] = {
    "robot": Robot,
    "limits": Limits,
    "control": Control,
    "safety": Safety,
    "planning": Planning,
    "ladder": Ladder,
    "link": Link,
    "scheduling": Scheduling,
    "relief": Relief,
    "recording": Recording,
}
TABLE_SECTIONS: dict[str, type] = {
    "topics": Topic,
    "services": Service,
    "parameters": Parameter,
    "stages": Stage,
    "host_topics": HostTopic,
    "soft_work": SoftWork,
}

# What the code of both computers is written for: these entries must be there, with these types and directions.
REQUIRED_TOPICS = {
    "cmd_vel": ("geometry_msgs/msg/TwistStamped", "host_to_board"),
    "joint_states": ("sensor_msgs/msg/JointState", "board_to_host"),
    "applied": ("sensor_msgs/msg/TimeReference", "board_to_host"),
    "diagnostics": ("diagnostic_msgs/msg/DiagnosticArray", "board_to_host"),
    "deadline_misses": ("diagnostic_msgs/msg/DiagnosticArray", "board_to_host"),
    "ledger_ack": ("std_msgs/msg/UInt64", "host_to_board"),
}
REQUIRED_HOST_TOPICS = dict.fromkeys(
    ("misses", "misses_on_disk", "journeys", "plans", "watch", "relief"), "std_msgs/msg/String"
)
SOFT_WORK = ("recording", "image", "dashboard")
REQUIRED_SERVICES = {"arm": "std_srvs/srv/SetBool", "clear_fault": "std_srvs/srv/Trigger"}

PARAMETERS = (
    *("control." + key for key in ("rate_hz", "feed_forward_per_rad_s", "kp_per_rad_s", "ki_per_rad")),
    *("control." + key for key in ("kd_s_per_rad", "derivative_filter_hz", "duty_limit", "duty_slew_per_s")),
    *("limits." + key for key in ("speed_m_s", "yaw_rate_rad_s", "acceleration_m_s2")),
    *("limits." + key for key in ("yaw_acceleration_rad_s2", "jerk_m_s3", "yaw_jerk_rad_s3")),
    "limits.wheel_speed_rad_s",
    *(f"topics.{topic}.rate_hz" for topic in ("joint_states", "applied")),
)
_PARAMETER_SERVICES = (
    *("describe_parameters", "get_parameter_types", "get_parameters"),
    *("list_parameters", "set_parameters", "set_parameters_atomically"),
)
# What ROS tools ask a node with parameters for; they follow from the section `parameters`, behind the others.
PARAMETER_SERVICES = {
    name: Service("base/" + name, "rcl_interfaces/srv/" + name.title().replace("_", ""), "soft")
    for name in _PARAMETER_SERVICES
}


def dds_type(ros_type: str) -> str:
    """``std_msgs/msg/UInt64`` -> ``std_msgs::msg::dds_::UInt64_``, the name DDS peers match on."""
    package, kind, name = ros_type.split("/")
    return f"{package}::{kind}::dds_::{name}_"
