"""Eyes and what looks through them: cameras, the graphics processor, the model."""

from __future__ import annotations

from takt.doctor.check import Finding, InSimulation, check, fail, ok, skip, warn
from takt.doctor.machine import Machine
from takt.vision import model_card

_THEME = "perception"
_ACCELERATED = ("TensorrtExecutionProvider", "CUDAExecutionProvider")


@check(
    _THEME, "Without a camera there is no observation, no command, and the robot holds.", InSimulation.NOTHING
)
def camera_present(machine: Machine) -> Finding:
    devices = machine.matching("/dev/video[0-9]*")
    if not devices:
        return fail("no /dev/video*", "connect it (lsusb; sudo dmesg | tail; CSI: see the board's manual)")
    names = [machine.text(f"/sys/class/video4linux/{path.split('/')[-1]}/name") or "?" for path in devices]
    return ok(", ".join(f"{path} ({name})" for path, name in zip(devices, names, strict=True)))


@check(
    _THEME, "A camera that may not be opened, or is open elsewhere, gives no picture.", InSimulation.NOTHING
)
def camera_permission(machine: Machine) -> Finding:
    devices = machine.matching("/dev/video[0-9]*")
    if not devices:
        return skip("no camera is connected (see camera_present)")
    closed = [path for path in devices if not machine.may_use(path)]
    if closed:
        return fail(
            f"{', '.join(closed)} closed to this user", "sudo usermod -aG video $USER, then log in anew"
        )
    holders = [name for name in machine.holders(devices[0]) if not name.startswith(("takt", "python"))]
    if holders:
        return fail(
            f"{', '.join(holders)} holds {devices[0]} open",
            f"sudo fuser -v {devices[0]}, then end that program",
        )
    return ok("may be opened")


@check(
    _THEME,
    "A graphics processor that onnxruntime cannot use leaves the detector on the CPU, several times slower.",
)
def gpu(machine: Machine) -> Finding:
    here = machine.is_tegra or machine.exists("/dev/nvidia0") or machine.exists("/dev/nvidiactl")
    providers = machine.providers()
    usable = [name for name in _ACCELERATED if name in providers]
    if not here:
        return ok("none; the detector runs on the CPU, for which it was made")
    if usable:
        return ok(", ".join(usable))
    fix = "python3 -m pip install onnxruntime-gpu (Jetson: NVIDIA's build for your JetPack) in place of onnxruntime"
    return warn(f"there is one, but onnxruntime offers only {', '.join(providers)}", fix)


@check(_THEME, "A model whose file is missing or whose card contradicts it ends the detector at its start.")
def detector_model(machine: Machine) -> Finding:
    card = model_card.load(model_card.OWN)
    size = card.weights.stat().st_size
    if size < 1000 or card.weights.open("rb").read(7) == b"version":
        return fail(f"{card.weights} is no network but a pointer to one", "git lfs pull")
    return ok(f"{card.name}, {size / 1e6:.1f} MB")


CHECKS = (camera_present, camera_permission, gpu, detector_model)
