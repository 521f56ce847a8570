"""Writes samples into recordings of a folder: one after the other for a whole run, or one for each cause."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from takt.contract import Recording
from takt.recording.channels import Channel
from takt.recording.mcap_file import McapFile
from takt.recording.sample import Sample
from takt.recording.shelf import BOX, recording_name, remove_oldest

MIB = 1024 * 1024


@dataclass
class Tape:
    """The recordings of one kind in one folder. Nothing here reads a clock; whoever calls may wait for the disk.

    ``facts`` stand in every recording's first metadata record, ``attachments`` (name -> text) in front of its data.
    """

    folder: Path
    kind: str
    rules: Recording
    channels: Mapping[str, Channel]
    facts: Mapping[str, str]
    attachments: Mapping[str, str]
    tell: Callable[[str], None]
    file: McapFile | None = None
    causes: list[str] = field(default_factory=list)
    word: str = ""

    def open(self, word: str, cause: str, now_ns: int) -> None:
        """Begin a recording; ``word`` goes into its name, ``cause`` says why there is one."""
        assert self.file is None
        self.folder.mkdir(parents=True, exist_ok=True)
        remove_oldest(self.folder, self.kind, self.rules.files - 1)
        path = self.folder / recording_name(self.kind, word, now_ns)
        facts = {**self.facts, "kind": self.kind, "cause": cause, "opened_ns": str(now_ns)}
        self.file, self.causes, self.word = McapFile(path, self.channels, facts), [cause], word
        for name, text in self.attachments.items():
            self.file.attach(name, "text/plain", text.encode(), now_ns)

    def note(self, cause: str) -> None:
        """Another cause while a recording is open."""
        self.causes.append(cause)

    def write(self, samples: Iterable[Sample], now_ns: int) -> None:
        """Add samples; a recording that is full ends, and the next one of a whole run begins."""
        for sample in samples:
            if self.file is None:
                return
            self.file.write(sample)
            if self.file.size_bytes >= self.rules.file_mib * MIB:
                self.finish("full", now_ns)
                if self.kind != BOX:
                    self.open(self.word, self.causes[0], now_ns)

    def flush(self) -> None:
        if self.file is not None:
            self.file.flush()

    def abandon(self) -> None:
        """The disk refuses: what was written stays a part, which the next start completes."""
        if self.file is not None:
            self.file.abandon()
            self.file = None

    def finish(self, ended: str, now_ns: int, dropped: int = 0) -> None:
        """Complete the recording; ``ended`` says why it ends here, ``dropped`` how many samples had no room."""
        if self.file is None:
            return
        facts = {"ended": ended, "closed_ns": str(now_ns), "dropped": str(dropped)}
        self.file.finish({**facts, "causes": json.dumps(self.causes)})
        self.tell(f"recording complete: {self.file.path}")
        self.file = None
