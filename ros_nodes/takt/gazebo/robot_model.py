"""The one URDF of the robot as an SDF model: motors, camera and Gazebo's plugins are added, nothing is told twice.

Links without mass are no bodies in a simulation: each becomes an SDF frame, and what it carries is hung into the body
that it is fixed to. So every name of the URDF survives, and SDF does the composition of poses.
"""

from __future__ import annotations

from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

import takt.contract
from takt.errors import TaktError
from takt.gazebo import topics
from takt.simulation.motor import DriveTrain
from takt.simulation.scene_spec import Pose

_ENDLESS_RAD = "1e16"
_EFFORT_MARGIN = 1.25  # a full battery and a braking wheel ask for more than the nominal stall torque
_SLIDING = ("caster_link", "front_skid_link")
_SLIDING_FRICTION, _TYRE_FRICTION = "0.02", "1.0"
_CAMERA_LINK, _OPTICAL_FRAME = "camera_link", "camera_optical_frame"


def text(parent: Element, tag: str, value: object) -> Element:
    """A child element that holds one value."""
    child = SubElement(parent, tag)
    child.text = str(value)
    return child


def plugin(parent: Element, name: str, kind: str) -> Element:
    """A system of Gazebo in the spelling that every release from Fortress 6.16 on takes."""
    return SubElement(parent, "plugin", filename=f"gz-sim-{name}-system", name=f"gz::sim::systems::{kind}")


def joint_states(model: Element, topic: topics.Topic) -> None:
    """Let a model tell its joints' states, once a step."""
    text(plugin(model, "joint-state-publisher", "JointStatePublisher"), "topic", topic.gz_name)


def camera_rate_hz(contract: takt.contract.Contract, step_ns: int) -> int:
    """The highest whole rate, at most the contract's, whose period is a whole number of steps and of control periods.

    Other rates Gazebo rounds to steps unevenly.
    """
    control_ns = round(1e9 / contract.control.rate_hz)
    fitting = (
        rate
        for rate in range(int(contract.robot.camera_rate_hz), 0, -1)
        if 1_000_000_000 % rate == 0
        and (1_000_000_000 // rate) % step_ns == 0
        and (1_000_000_000 // rate) % control_ns == 0
    )
    return next(fitting)


def robot_model(
    urdf: str, contract: takt.contract.Contract, drive: DriveTrain, start: Pose, step_ns: int
) -> Element:
    """An SDF ``model`` that stands at ``start``. Raises TaktError for a URDF that says what this cannot carry over."""
    tree = ElementTree.fromstring(urdf)
    model = Element("model", name=topics.ROBOT)
    text(model, "pose", f"{start.x_m:.6g} {start.y_m:.6g} 0.001 0 0 {start.yaw_rad:.6g}")
    colours = _colours(tree)
    placed = {joint.find("child").get("link"): joint for joint in tree.iter("joint")}  # type: ignore[union-attr]
    bodies: dict[str, Element] = {}
    for link in tree.findall("link"):
        name = link.get("name", "")
        if link.find("inertial") is not None:
            bodies[name] = _body(model, link, placed.get(name))
        else:
            _frame(model, name, placed[name])
    for link in tree.findall("link"):
        name = link.get("name", "")
        _shapes(bodies[_carrier(name, bodies, placed)], link, name not in bodies, colours)
    for joint in tree.findall("joint"):
        if joint.get("type") != "fixed":
            _wheel_joint(model, joint, drive)
    _balance(bodies, drive)
    _camera(bodies[_carrier(_CAMERA_LINK, bodies, placed)], contract, step_ns)
    joint_states(model, topics.JOINTS)
    for name in topics.WHEEL_JOINTS:
        text(plugin(model, "apply-joint-force", "ApplyJointForce"), "joint_name", name)
    return model


def _pose(origin: Element | None) -> str:
    if origin is None:
        return "0 0 0 0 0 0"
    return f"{origin.get('xyz', '0 0 0')} {origin.get('rpy', '0 0 0')}"


def _body(model: Element, link: Element, joint: Element | None) -> Element:
    body = SubElement(model, "link", name=link.get("name", ""))
    if joint is not None:
        parent = joint.find("parent").get("link", "")  # type: ignore[union-attr]
        text(body, "pose", _pose(joint.find("origin"))).set("relative_to", parent)
    given = link.find("inertial")
    assert given is not None
    inertial = SubElement(body, "inertial")
    text(inertial, "pose", _pose(given.find("origin")))
    text(inertial, "mass", given.find("mass").get("value"))  # type: ignore[union-attr]
    inertia = SubElement(inertial, "inertia")
    for key in ("ixx", "ixy", "ixz", "iyy", "iyz", "izz"):
        text(inertia, key, given.find("inertia").get(key))  # type: ignore[union-attr]
    return body


def _frame(model: Element, name: str, joint: Element) -> None:
    if joint.get("type") != "fixed":
        raise TaktError(f"link {name} of the URDF moves but has no mass", "give it an inertial element")
    parent = joint.find("parent").get("link", "")  # type: ignore[union-attr]
    frame = SubElement(model, "frame", name=name, attached_to=parent)
    text(frame, "pose", _pose(joint.find("origin")))


def _carrier(name: str, bodies: dict[str, Element], placed: dict[str | None, Element]) -> str:
    """The body that link ``name`` is, or is fixed to."""
    while name not in bodies:
        name = placed[name].find("parent").get("link", "")  # type: ignore[union-attr]
    return name


def _colours(tree: Element) -> dict[str, str]:
    return {
        material.get("name", ""): material.find("color").get("rgba", "")  # type: ignore[union-attr]
        for material in tree.findall("material")
    }


def _shapes(body: Element, link: Element, is_frame: bool, colours: dict[str, str]) -> None:
    name = link.get("name", "")
    for kind in ("visual", "collision"):
        for number, given in enumerate(link.findall(kind)):
            shape = SubElement(body, kind, name=f"{name}_{kind}_{number}")
            pose = text(shape, "pose", _pose(given.find("origin")))
            if is_frame:
                pose.set("relative_to", name)
            shape.append(_geometry(given))
            if kind == "collision":
                _friction(shape, _SLIDING_FRICTION if name in _SLIDING else _TYRE_FRICTION)
            elif (material := given.find("material")) is not None:
                paint(shape, colours[material.get("name", "")])


def _geometry(given: Element) -> Element:
    shape = given.find("geometry")[0]  # type: ignore[index]
    geometry = Element("geometry")
    if shape.tag not in ("box", "cylinder", "sphere"):
        raise TaktError(f"the URDF draws a {shape.tag}", "use box, cylinder or sphere")
    copy = SubElement(geometry, shape.tag)
    for key, value in shape.attrib.items():
        text(copy, key, value)
    return geometry


def paint(visual: Element, rgba: str) -> None:
    """Give a visual one matt colour."""
    material = SubElement(visual, "material")
    text(material, "ambient", rgba)
    text(material, "diffuse", rgba)


def _friction(collision: Element, coefficient: str) -> None:
    ode = SubElement(SubElement(SubElement(collision, "surface"), "friction"), "ode")
    text(ode, "mu", coefficient)
    text(ode, "mu2", coefficient)


def _wheel_joint(model: Element, given: Element, drive: DriveTrain) -> None:
    """Back-EMF and friction live in the joint, where physics solves them in the step; the force is duty alone.

    So the loop stays stable however late a force comes, and a motor that nobody feeds brakes.
    """
    joint = SubElement(model, "joint", name=given.get("name", ""), type="revolute")
    for end in ("parent", "child"):
        text(joint, end, given.find(end).get("link"))  # type: ignore[union-attr]
    axis = SubElement(joint, "axis")
    text(axis, "xyz", given.find("axis").get("xyz"))  # type: ignore[union-attr]
    limit = SubElement(axis, "limit")
    text(limit, "lower", f"-{_ENDLESS_RAD}")
    text(limit, "upper", _ENDLESS_RAD)
    text(limit, "effort", f"{_EFFORT_MARGIN * drive.stall_torque_n_m:.6g}")
    dynamics = SubElement(axis, "dynamics")
    text(dynamics, "damping", f"{drive.damping_n_m_s:.6g}")
    text(dynamics, "friction", f"{drive.friction_n_m:.6g}")


def _balance(bodies: dict[str, Element], drive: DriveTrain) -> None:
    """SDF has no rotor inertia: it goes into the wheels. A body's inertias must obey the triangle inequality, so half
    of it goes to each of the wheel's other axes, and the chassis gives up the same: the whole robot keeps its own."""
    half = drive.armature_kg_m2 / 2.0
    for joint in topics.WHEEL_JOINTS:
        wheel = bodies[joint.replace("_joint", "_link")]
        _add(wheel, {"ixx": half, "iyy": drive.armature_kg_m2, "izz": half})
        _add(bodies["base_link"], {"ixx": -half, "izz": -half})


def _add(body: Element, more: dict[str, float]) -> None:
    inertia = body.find("inertial/inertia")
    assert inertia is not None
    for key, value in more.items():
        element = inertia.find(key)
        assert element is not None and element.text is not None
        element.text = f"{float(element.text) + value:.6g}"


def _camera(body: Element, contract: takt.contract.Contract, step_ns: int) -> None:
    """Gazebo's cameras look along x of their pose, which is camera_link's; pictures name the optical frame."""
    robot = contract.robot
    sensor = SubElement(body, "sensor", name="camera", type="camera")
    text(sensor, "pose", "0 0 0 0 0 0").set("relative_to", _CAMERA_LINK)
    text(sensor, "topic", topics.IMAGE.gz_name)
    text(sensor, "gz_frame_id", _OPTICAL_FRAME)
    text(sensor, "update_rate", camera_rate_hz(contract, step_ns))
    text(sensor, "always_on", "true")
    camera = SubElement(sensor, "camera")
    text(camera, "horizontal_fov", robot.camera_horizontal_fov_rad)
    image = SubElement(camera, "image")
    text(image, "width", robot.camera_width_px)
    text(image, "height", robot.camera_height_px)
    text(image, "format", "R8G8B8")
    clip = SubElement(camera, "clip")
    text(clip, "near", "0.02")
    text(clip, "far", "20")
