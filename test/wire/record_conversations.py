"""Records conversations of a scripted client with another agent, in the format that `takt link replay` reads.

    python test/wire/record_conversations.py FOLDER --agent-cmd 'MicroXRCEAgent serial -D {dev} -b 921600'

A fresh agent for each conversation of ``scripts.SCRIPTS``. The folder ``recorded`` beside this file was made
so with the official agent 3.0.1; run it again to see what another release answers.
"""

from __future__ import annotations

import argparse
import json
import select
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from scripted_client import ScriptedClient, submessage

from takt.link import messages as xrce
from takt.link.framing import Deframer
from takt.link.transports.pty_line import PtyEnd

QUIET_S = 0.06
REFS = Path(__file__).parent / "recorded" / "refs.xml"


class Stage:
    """The line between scripted clients and an agent, with a record of every frame.

    ``lose(direction, number)`` says which frames (counted from 0, each direction apart) the line swallows.
    """

    def __init__(self, line: PtyEnd, lose: Callable[[str, int], bool]) -> None:
        self.line, self.lose = line, lose
        self.clients: list[ScriptedClient] = []
        self.frames: list[dict[str, object]] = []
        self._began_s: float | None = None
        self._counts = {"c2a": 0, "a2c": 0}
        self._deframer = Deframer()
        self._raw = b""

    def client(self, **options: object) -> ScriptedClient:
        made = ScriptedClient(**options)  # type: ignore[arg-type]
        self.clients.append(made)
        return made

    def _note(self, direction: str, frame: bytes) -> bool:
        now_s = time.monotonic()
        self._began_s = now_s if self._began_s is None else self._began_s
        lost = self.lose(direction, self._counts[direction])
        self._counts[direction] += 1
        record: dict[str, object] = {
            "t_s": round(now_s - self._began_s, 6),
            "dir": direction,
            "hex": frame.hex(),
        }
        self.frames.append({**record, "fate": "dropped on the line"} if lost else record)
        return not lost

    def say(self) -> None:
        for client in self.clients:
            for piece in client.take().split(b"\x7e")[1:]:
                if self._note("c2a", b"\x7e" + piece):
                    self.line.write(b"\x7e" + piece)

    def listen(self, quiet_s: float = QUIET_S, ticking: bool = False) -> None:
        """Carry bytes until the line is quiet for so long; ``ticking`` lets the clients' heartbeats run."""
        until_s = time.monotonic() + quiet_s
        while time.monotonic() < until_s:
            if ticking:
                for client in self.clients:
                    client.tick(time.monotonic_ns())
            self.say()
            if not select.select([self.line.fileno()], [], [], 0.005)[0]:
                continue
            self._raw += self.line.read()
            if not ticking:
                until_s = time.monotonic() + quiet_s
            *whole, self._raw = self._split(self._raw)
            for frame in whole:
                if self._note("a2c", frame):
                    for client in self.clients:
                        client.give(frame, time.monotonic_ns())

    def _split(self, raw: bytes) -> list[bytes]:
        """Whole frames, then the rest; a frame has no end mark, so the last one is tried."""
        pieces = [b"\x7e" + piece for piece in raw.split(b"\x7e")[1:]]
        if pieces and Deframer().feed(pieces[-1]):
            pieces.append(b"")
        return pieces or [raw]


def _await_answer(line: PtyEnd) -> None:
    """Ping outside any session until the agent is there."""
    asker = ScriptedClient()
    while True:
        asker.send(submessage(xrce.GET_INFO, b"\0\x0a" + xrce.OBJECT_AGENT + b"\2\0\0\0"), session=0x80)
        line.write(asker.take())
        if select.select([line.fileno()], [], [], 0.2)[0]:
            time.sleep(0.3)
            line.read()
            return


def record(
    name: str, script: Callable[[Stage], None], command: str, lose: Callable[[str, int], bool]
) -> dict:
    with tempfile.TemporaryDirectory() as folder:
        line = PtyEnd(Path(folder) / "board")
        arguments = shlex.split(command.format(dev=line.link, refs=REFS))
        agent = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            stage = Stage(line, lose)
            _await_answer(line)
            script(stage)
            stage.listen()
        finally:
            agent.kill()
            agent.wait()
            line.close()
    return {"name": name, "what": (script.__doc__ or "").strip(), "frames": stage.frames}


def main(argv: list[str]) -> int:
    from scripts import SCRIPTS, losing

    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--agent-cmd", required=True)
    parser.add_argument("--only", default="")
    options = parser.parse_args(argv)
    options.folder.mkdir(parents=True, exist_ok=True)
    for name, script in SCRIPTS.items():
        if options.only not in name:
            continue
        document = record(name, script, options.agent_cmd, losing(name))
        rows = ",\n".join(json.dumps(frame) for frame in document["frames"])
        head = json.dumps({"name": name, "what": document["what"]})[:-1]
        (options.folder / f"{name}.json").write_text(f'{head}, "frames": [\n{rows}\n]}}\n')
        print(name, len(document["frames"]))
    return 0


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    sys.exit(main(sys.argv[1:]))
