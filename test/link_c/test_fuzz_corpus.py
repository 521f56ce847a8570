"""The corpus of the fuzz targets, replayed under the sanitizers of whatever compiler is here, and a short hunt with
libFuzzer where clang is. The long one is `takt prove fuzz-client`."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from client_under_test import ROOT

from takt import prove
from takt.errors import TaktError
from takt.link_proofs import fuzz_client

CORPUS = ROOT / fuzz_client.CORPUS


@pytest.fixture(scope="module")
def replays(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("fuzz")
    configure = ["cmake", "-S", ROOT / "firmware/fuzz", "-B", folder]
    subprocess.run(configure, check=True, stdout=subprocess.DEVNULL)
    built = subprocess.run(["cmake", "--build", folder, "-j2"], capture_output=True, text=True, check=False)
    if "cannot find" in built.stderr and "san" in built.stderr:
        pytest.skip("the compiler has no sanitizer libraries")
    assert built.returncode == 0, built.stderr
    return folder


@pytest.mark.parametrize("target", sorted(fuzz_client.SHARES))
def test_every_kept_input_is_survived(replays: Path, target: str) -> None:
    packed = CORPUS / f"{target}.hex"
    ended = subprocess.run(
        [replays / f"replay_{target}", packed], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert int(ended.stdout) == len(packed.read_text().split()) > 100


def test_a_corpus_that_is_no_corpus_is_refused(replays: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.hex"
    broken.write_text("00ff\n0g\n")
    ended = subprocess.run([replays / "replay_decoder", broken], capture_output=True, text=True, check=False)
    assert ended.returncode == 2 and "input 2 is no line of hexadecimal pairs" in ended.stderr


def test_without_clang_the_proof_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(TaktError, match=r"clang.*apt install clang"):
        fuzz_client.main(["--count", "1", "--state", str(tmp_path)])


@pytest.mark.skipif(shutil.which("clang") is None, reason="libFuzzer comes with clang")
def test_a_short_hunt_finds_nothing_and_goes_on_where_it_was(tmp_path: Path) -> None:
    for count in (2000, 4000):
        out = tmp_path / "out.json"
        asked = ["fuzz-client", "--count", str(count), "--state", str(tmp_path / "state"), "--json", str(out)]
        assert prove.main(asked) == 0
        figures = json.loads(out.read_text())
        assert figures["ok"] and figures["crashes"] == figures["hangs"] == 0
        assert count <= figures["executions"] <= count * 1.2
        assert figures["decoder_edges"] > 250 and figures["session_edges"] > 500
