"""`takt top`: the robot on a terminal, twice a second. It asks the dashboard, so it needs no ROS of its own."""

from __future__ import annotations

import argparse
import http.client
import json
import os
import re
import shutil
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from takt.errors import TaktError
from takt.monitoring import screen

_PERIOD_S = 0.5
_ANSWER_LIMIT_S = 5.0
_MOST_BYTES = 1 << 20
_DIRECT = urllib.request.build_opener(
    urllib.request.ProxyHandler({})
)  # a robot is not behind the web's proxy
_OTHER_SCREEN, _OWN_SCREEN = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
_COLOUR = re.compile(r"(\x1b\[\d+m)")


def main(argv: list[str]) -> int:
    """Raises TaktError when no robot answers at the start, or at all with ``--once``."""
    arguments = _parser().parse_args(argv)
    url = arguments.url.rstrip("/") + "/api/state"
    token = _token(arguments.token_file)
    state = ask(url, token)
    if arguments.once:
        print("\n".join(screen.lines(state, colours=_colourful())))
        return 0
    if not sys.stdout.isatty():
        raise TaktError("takt top draws on a terminal, and its output is none", "add --once")
    return _watch(url, state, token)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="takt top", description=__doc__)
    parser.add_argument("--once", action="store_true", help="print one view and end")
    parser.add_argument(
        "--url", default="http://127.0.0.1:8080/", help="the robot's dashboard (default: %(default)s)"
    )
    parser.add_argument("--token-file", default="", help="file of the token, for a dashboard beyond loopback")
    return parser


def _token(file: str) -> str:
    try:
        return Path(file).read_text().strip() if file else ""
    except (OSError, UnicodeDecodeError) as error:
        raise TaktError(f"the token in {file} cannot be read: {error}", "check --token-file") from error


def _colourful() -> bool:
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def ask(url: str, token: str = "") -> dict[str, Any]:
    """The state of the robot whose page answers at ``url``; ``token`` where the page needs one."""
    fix = "start the robot with its dashboard (./run demo, takt install), or name another --url"
    if not url.startswith(("http://", "https://")):
        raise TaktError(f"{url} is no address of a page", "begin it with http://")
    try:
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
        with _DIRECT.open(request, timeout=_ANSWER_LIMIT_S) as answer:
            state = json.loads(answer.read(_MOST_BYTES))
    except urllib.error.HTTPError as error:
        mend = "name its token: --token-file FILE" if error.code == 401 else fix
        raise TaktError(f"the robot at {url} refuses: {error.reason}", mend) from error
    except (urllib.error.URLError, OSError, http.client.HTTPException) as error:
        raise TaktError(f"no robot answers at {url}: {getattr(error, 'reason', error)}", fix) from error
    except ValueError as error:
        raise TaktError(f"what answers at {url} is no robot", fix) from error
    if not isinstance(state, dict) or not {"stages", "board", "rung", "stop"} <= state.keys():
        raise TaktError(f"what answers at {url} is no robot", fix)
    return state


def _watch(url: str, state: dict[str, Any], token: str) -> int:
    """Until Ctrl-C. A robot that goes away is waited for; the last view stays on the screen, and says so."""
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job would ignore the first
        signal.signal(number, _interrupt)
    sys.stdout.write(_OTHER_SCREEN)
    trouble = ""
    try:
        while True:
            shown = screen.lines(state, colours=_colourful())
            sys.stdout.write(frame(trouble or f"{time.strftime('%H:%M:%S')}  {url}", shown, _size()))
            sys.stdout.flush()
            time.sleep(_PERIOD_S)
            try:
                state, trouble = ask(url, token), ""
            except TaktError as error:
                trouble = f"{time.strftime('%H:%M:%S')}  old figures: {error.cause}"
    except KeyboardInterrupt:
        return 0
    finally:
        sys.stdout.write(_OWN_SCREEN)
        sys.stdout.flush()


def frame(title: str, shown: list[str], size: tuple[int, int]) -> str:
    """What draws one view over the last one, cut to ``size`` (columns, rows)."""
    columns, rows = size
    kept = [_cut(line, columns) + "\x1b[K" for line in [title, "", *shown][: max(rows, 1)]]
    return "\x1b[H" + "\r\n".join(kept) + "\x1b[J"


def _cut(line: str, columns: int) -> str:
    """At most ``columns`` characters on the screen; colours take no room, and the last one is ended."""
    left, pieces = columns, []
    for piece in _COLOUR.split(line):
        if not _COLOUR.fullmatch(piece):
            piece = piece[:left]
            left -= len(piece)
        pieces.append(piece)
    return "".join(pieces)


def _size() -> tuple[int, int]:
    size = shutil.get_terminal_size()
    return size.columns, size.lines


def _interrupt(_number: int, _frame: object) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
