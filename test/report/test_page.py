"""The page: whole, true to the run, and alone in the world. A real browser opens it with the network cut off."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from takt.errors import TaktError
from takt.report import report_command
from takt.report.page import report_page
from takt.report.run_folder import read_run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
VOID = {"meta", "br"}


class Reader(HTMLParser):
    """Tags in balance, and every attribute by which a page could load something."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.loading: list[tuple[str, str]] = []
        self.headings: list[str] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        assert tag not in ("script", "link", "iframe", "object", "embed", "base", "img")
        names = ("src", "href", "xlink:href", "data", "action", "srcset")
        self.loading += [(tag, name) for name, _ in attributes if name in names or name.startswith("on")]

    def handle_startendtag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attributes)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open[-1:] in (["h1"], ["h2"]):
            self.headings.append(data)


@pytest.fixture
def text(record) -> str:
    return report_page(record)


def test_it_is_whole_and_loads_nothing(text):
    reader = Reader(text)
    assert reader.loading == []
    assert re.findall(r"https?:|//[a-z]|url\(|@import", text) == []
    assert "default-src 'none'" in text
    assert len(reader.headings) == 9
    assert reader.headings[1:3] == ["The ladder", "From the light to the motor"]


def test_it_tells_what_the_run_was(text):
    for told in (
        "Failed: final state &lt;SAFE&gt;",
        "<td>NOMINAL 2.0 s, SAFE 1.0 s; at the end NOMINAL</td>",
        "3; most: base skipped 2, detector inference 1",
        "one by one (3)",
        "wait for the planner",
        "explains it in 100.00% of the frames",
        "detect, 80.0 ms over its median",
        "detector inference 50.0 ms late; fault brought in: cut_link",
        ">inference_ms 83<",
        "<td>skipped</td>",
        "SAFE: link",
        "1 of 2 lines of ledger.jsonl cannot be read",
    ):
        assert told in text, told


def test_a_run_with_little_in_it_makes_a_page_too(run_folder, tmp_path):
    (tmp_path / "ledger.jsonl").write_text((run_folder / "ledger.jsonl").read_text())
    text = report_page(read_run(tmp_path))
    Reader(text)
    assert "no recording" in text and "not told in this run" in text


def test_the_command_writes_it_in_one_step(run_folder, tmp_path, capsys):
    out = tmp_path / "page.html"
    assert report_command.main([str(run_folder), "--out", str(out)]) == 0
    assert "90 frames, 3 records of misses" in capsys.readouterr().out
    assert [path.name for path in tmp_path.iterdir()] == ["page.html"]
    with pytest.raises(TaktError, match="cannot be written"):
        report_command.main([str(run_folder), "--out", str(tmp_path / "none" / "page.html")])


def opened(page: Path) -> tuple[str, set[str]]:
    """The page as a browser without a network shows it, and the addresses that it asked for on the way."""
    log = page.with_name("net.json")
    command = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    command += ["--disable-component-update", "--no-first-run", "--proxy-server=127.0.0.1:9"]
    command += [f"--log-net-log={log}", f"--user-data-dir={page.with_name('profile')}", "--dump-dom"]
    shown = subprocess.run([*command, page.as_uri()], capture_output=True, text=True, timeout=600)
    assert shown.returncode == 0, shown.stderr
    asked = set(re.findall(r'"url":"((?:https?|wss?)://[^"]*)"', log.read_text()))
    return shown.stdout, {url for url in asked if not of_the_browser_itself(url)}


def of_the_browser_itself(url: str) -> bool:
    """Its own questions at the start, which lead nowhere like all others."""
    host = url.split("/")[2].split(":")[0]
    return host.endswith((".google.com", ".googleapis.com", ".gvt1.com"))


@pytest.mark.display
@pytest.mark.skipif(CHROMIUM is None, reason="needs a browser (Debian package chromium)")
def test_a_browser_shows_it_with_the_network_cut_off(text, tmp_path):
    page = tmp_path / "report.html"
    page.write_text(text, encoding="utf-8")
    shown, asked = opened(page)
    assert "From the light to the motor" in shown and shown.count("<svg") == text.count("<svg")
    assert asked == set()
    page.write_text('<img src="http://takt.invalid/x.png">')  # so that one knows that a request would be seen
    assert opened(page)[1] == {"http://takt.invalid/x.png"}
