"""`takt prove NAME`: the long proofs; tests run each in small."""

from __future__ import annotations

from takt.named_runs import run_named

PROOFS = {
    "ring-kills": "takt.frames.kills",
    "frozen-model": "takt.demo.freeze",
    "perception-steady": "takt.vision.steady",
    "commands": "takt.simulation.command_proof",
    "mpy-parity": "takt.micropython.parity",
    "fuzz-agent": "takt.link_proofs.fuzz_agent",
    "fuzz-client": "takt.link_proofs.fuzz_client",
    "wheels": "takt.simulation.wheel_proof",
    "kills": "takt.demo.kills",
    "model-faults": "takt.trouble.model_faults",
    "ladder": "takt.trouble.ladder_proof",
    "ledger": "takt.simulation.ledger_proof",
    "ledger-host": "takt.simulation.host_ledger_proof",
    "qemu": "takt.simulation.emulation_proof",
    "planted-bugs": "takt.twin.planted_proof",
    "clock": "takt.link_proofs.clock",
    "recoveries": "takt.link_proofs.recoveries",
    "recordings": "takt.recording.kills",
    "reliable": "takt.link_proofs.reliable",
    "chaos": "takt.twin.chaos_proof",
    "twin-hash": "takt.twin.hash_proof",
}


def main(argv: list[str]) -> int:
    """Run one proof by name; exit status 0 when it held."""
    return run_named("proof", PROOFS, argv)
