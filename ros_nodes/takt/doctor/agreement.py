"""Do both computers obey the same contract: file, generated code, built images, the board on the line?"""

from __future__ import annotations

import takt.contract
from takt import firmware_ports
from takt.contract import feasibility, generate
from takt.doctor.check import Finding, InSimulation, check, fail, ok, skip, warn
from takt.doctor.machine import Machine
from takt.doctor.serial_port import holders_of, tty_of
from takt.errors import TaktError
from takt.install import flash
from takt.link.handshake import FIX

_THEME = "contract and board"


@check(_THEME, "Every deadline, limit and topic of both computers is read from this file.")
def contract_valid(machine: Machine) -> Finding:
    contract = machine.contract
    feasibility.require(contract)
    return ok(f"valid, and what it asks for fits ({contract.hash_property[:8]}...)")


@check(_THEME, "Code that was generated from an older contract obeys the older contract.")
def generated_files(machine: Machine) -> Finding:
    root = machine.tree
    if root is None:
        return skip("installed without its source tree")
    differing = generate.outdated(generate.generated_files(machine.contract), root)
    if differing:
        return fail(
            f"not what the contract says: {', '.join(differing)}",
            "takt contract generate, then build the firmware again (./run does)",
        )
    return ok("as the contract says")


@check(_THEME, "A board of another contract gets no commands; better to know before it is flashed.")
def built_firmware(machine: Machine) -> Finding:
    root = machine.tree
    if root is None:
        return skip("installed without its source tree")
    images = {"posix": root / firmware_ports.PORTS["posix"].image}
    images |= {board: root / "build/zephyr" / board / "zephyr/zephyr.elf" for board in flash.BOARDS}
    built = {name: image for name, image in images.items() if image.is_file()}
    if not built:
        return skip("no image is built yet (./run firmware posix)")
    for name, image in built.items():
        try:
            flash.check_contract(image)
        except TaktError as error:
            return fail(error.cause, f"./run firmware {name}")
    return ok(f"{', '.join(built)}: built from this contract")


@check(
    _THEME,
    "The board on the line says which contract it was built from; another one is refused its commands.",
    InSimulation.NOTHING,
)
def board_contract(machine: Machine) -> Finding:
    if tty_of(machine) is None or machine.port is None:
        return skip("no board is connected (see port_present)")
    if holders_of(machine, machine.port):
        return skip("the agent holds the line; a mismatch is shown in /diagnostics as takt.contract.mismatch")
    told = machine.board_property(machine.port, machine.contract.link.baud)
    if told is None:
        return warn(
            f"nothing that says its contract was heard on {machine.port}",
            "press its reset button; takt flash BOARD if it stays silent",
        )
    different = takt.contract.mismatch(machine.contract.hash_property, told)
    if different:
        return fail(f"the board was built from another contract; different: {', '.join(different)}", FIX)
    return ok("the board was built from this contract")


CHECKS = (contract_valid, generated_files, built_firmware, board_contract)
