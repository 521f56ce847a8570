"""The firmware's client under libFuzzer with address and undefined-behaviour sanitizers: `takt prove fuzz-client`.

Two targets in firmware/fuzz: what decodes bytes, and a whole session with time, publications and a stubborn line. The
work is done in slices, each with its own seed and a limit on memory and time per input; a run that was ended goes on
where it was with the same --state folder. The corpus in the repository is the start; --keep writes the minimised
corpus of the state back to it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from takt import resources
from takt.errors import TaktError

# target -> share of the inputs; a session's input costs some fifteen times a decoder's
SHARES = {"decoder": 0.8, "session": 0.2}
SLICE = {"decoder": 200_000, "session": 25_000}
LONGEST_INPUT = 768
TIMEOUT_S = 10  # an input that takes longer hangs
MEMORY_MB = 1024
CORPUS = "firmware/fuzz/corpus"


@dataclass
class Count:
    """What one target has been through, over all slices."""

    executions: int = 0
    slices: int = 0
    edges: int = 0
    corpus: int = 0
    peak_memory_mb: int = 0
    crashes: int = 0
    hangs: int = 0


def main(argv: list[str]) -> int:
    """Fuzz until ``--count`` inputs are through; exit status 1 when one crashed or hung."""
    given = _options().parse_args(argv)
    root = resources.path("firmware/fuzz/CMakeLists.txt").parents[2]
    build = _build(root, given.state / "build")
    started_s = time.monotonic()
    counts = {}
    for target, share in SHARES.items():
        count = _load(given.state, target)
        _unpack(root / CORPUS / f"{target}.hex", given.state / target)
        wanted = round(given.count * share)
        while count.executions < wanted and count.crashes + count.hangs == 0:
            _run_slice(build, given.state, target, given.seed, wanted, count)
            print(
                f"{target}: {count.executions} of {wanted}, {count.edges} edges", file=sys.stderr, flush=True
            )
        if given.keep:
            _keep(build, given.state / target, root / CORPUS / f"{target}.hex")
        counts[target] = count
    return _report(given, counts, time.monotonic() - started_s)


def _options() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(prog="takt prove fuzz-client", description=__doc__)
    made.add_argument("--count", type=int, default=10_000_000, help="inputs of both targets together")
    made.add_argument("--seed", type=int, default=1)
    made.add_argument(
        "--state", type=Path, default=Path("build/fuzz-client"), help="folder that keeps the progress"
    )
    made.add_argument(
        "--keep", action="store_true", help="write the minimised corpus back into the source tree"
    )
    made.add_argument("--json", type=Path, help="write the figures here")
    return made


def _build(root: Path, folder: Path) -> Path:
    clang = shutil.which("clang")
    if clang is None:
        raise TaktError(
            "libFuzzer comes with clang, which is not installed", "apt install clang, then run it again"
        )
    folder.mkdir(parents=True, exist_ok=True)
    configure = ["cmake", "-S", root / "firmware/fuzz", "-B", folder, f"-DCMAKE_C_COMPILER={clang}"]
    for command in (configure, ["cmake", "--build", folder, "-j2"]):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise TaktError(
                f"the fuzz targets do not build: {(done.stderr or done.stdout).strip().splitlines()[-1]}",
                f"see: {' '.join(map(str, command))}",
            )
    return folder


def _load(state: Path, target: str) -> Count:
    file = state / f"{target}.json"
    return Count(**json.loads(file.read_text())) if file.exists() else Count()


def _unpack(packed: Path, folder: Path) -> None:
    """One file for each line of the corpus, as libFuzzer wants it."""
    folder.mkdir(parents=True, exist_ok=True)
    for number, line in enumerate(packed.read_text().split() if packed.exists() else []):
        (folder / f"kept_{number:04}").write_bytes(bytes.fromhex(line))


def _run_slice(build: Path, state: Path, target: str, seed: int, wanted: int, count: Count) -> None:
    artifacts = state / "findings"
    artifacts.mkdir(exist_ok=True)
    held = len(list((state / target).iterdir()))  # libFuzzer runs them first and counts them
    runs = held + min(SLICE[target], wanted - count.executions)
    command = [build / f"fuzz_{target}", f"-runs={runs}", f"-seed={seed * 1_000_003 + count.slices}"]
    command += [f"-max_len={LONGEST_INPUT}", f"-timeout={TIMEOUT_S}", f"-rss_limit_mb={MEMORY_MB}"]
    command += ["-print_final_stats=1", f"-artifact_prefix={artifacts}/{target}-", state / target]
    done = subprocess.run(
        [str(word) for word in command], capture_output=True, text=True, errors="replace", check=False
    )
    said = done.stderr
    count.executions += max(0, _figure(said, r"number_of_executed_units: (\d+)") - held)
    count.slices += 1
    count.edges = max([count.edges, *(int(found) for found in re.findall(r"cov: (\d+)", said))])
    count.peak_memory_mb = max(count.peak_memory_mb, _figure(said, r"peak_rss_mb: +(\d+)"))
    count.corpus = len(list((state / target).iterdir()))
    if done.returncode != 0:
        hung = "timeout" in said or "out-of-memory" in said
        count.hangs += hung
        count.crashes += not hung
        print(said[-3000:], file=sys.stderr)
    (state / f"{target}.json").write_text(json.dumps(asdict(count)))


def _figure(text: str, pattern: str) -> int:
    found = re.search(pattern, text)
    return int(found[1]) if found else 0


def _keep(build: Path, folder: Path, packed: Path) -> None:
    """The smallest set of inputs that reaches every edge, one a line."""
    smallest = folder.with_name(folder.name + ".minimised")
    shutil.rmtree(smallest, ignore_errors=True)
    smallest.mkdir()
    environment = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}
    command = [build / f"fuzz_{folder.name}", "-merge=1", "-use_value_profile=0", smallest, folder]
    subprocess.run([str(word) for word in command], check=True, capture_output=True, env=environment)
    lines = sorted(
        (file.read_bytes().hex() for file in smallest.iterdir()), key=lambda line: (len(line), line)
    )
    packed.parent.mkdir(exist_ok=True)
    packed.write_text("\n".join(lines) + "\n")


def _report(given: argparse.Namespace, counts: dict[str, Count], elapsed_s: float) -> int:
    figures = {
        "executions": sum(count.executions for count in counts.values()),
        "crashes": sum(count.crashes for count in counts.values()),
        "hangs": sum(count.hangs for count in counts.values()),
        "seed": given.seed,
        "seconds": round(elapsed_s, 1),
        **{
            f"{target}_{key}": value
            for target, count in counts.items()
            for key, value in asdict(count).items()
        },
    }
    figures["ok"] = figures["crashes"] + figures["hangs"] == 0 and figures["executions"] >= given.count
    text = json.dumps(figures, indent=2)
    print(text)
    if given.json:
        given.json.write_text(text + "\n")
    return 0 if figures["ok"] else 1
