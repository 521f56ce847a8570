"""The computer as the doctor sees it: files below a root, and the few facts that only a system call or a line tells."""

from __future__ import annotations

import glob
import importlib.metadata
import importlib.util
import os
import platform
import re
import subprocess
import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

from takt import resources
from takt.contract import Contract, load
from takt.doctor import probes

_COMMAND_TIMEOUT_S = 3.0


class Machine:
    """Paths are absolute as on the computer itself (``/proc/cmdline``), wherever ``root`` is.

    ``port`` is the board's serial line where a person named one; ``tree`` a source tree of Takt, by default the one
    that this code lies in. The methods under "no files" are what a test replaces.
    """

    def __init__(
        self,
        root: Path = Path("/"),
        environment: Mapping[str, str] | None = None,
        port: str | None = None,
        tree: Path | None = None,
    ) -> None:
        self.root = root
        self.environment: Mapping[str, str] = os.environ if environment is None else environment
        self.named_port = port
        self.tree = tree or next((each for each in resources.roots() if (each / "firmware").is_dir()), None)

    # ------------------------------------------------------------------ files

    def on_disk(self, path: str) -> Path:
        """Where ``path`` really lies."""
        return self.root / path.lstrip("/")

    def text(self, path: str) -> str | None:
        """A file's text without the blanks around it; None when it is missing or may not be read."""
        try:
            return self.on_disk(path).read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return None

    def number(self, path: str) -> int | None:
        """The whole number that a file holds; None when it is missing or holds none."""
        text = self.text(path) or ""
        return int(text) if re.fullmatch(r"-?\d+", text) else None

    def exists(self, path: str) -> bool:
        return os.path.lexists(self.on_disk(path))

    def matching(self, pattern: str) -> list[str]:
        """The paths that a shell pattern matches, sorted so that cpu2 stands before cpu10."""
        found = glob.glob(str(self.on_disk(pattern)))
        return sorted((self._from_root(path) for path in found), key=_natural)

    def real(self, path: str) -> str:
        """``path`` with its symbolic links followed, as seen from the root."""
        return self._from_root(os.path.realpath(self.on_disk(path)))

    def _from_root(self, path: str) -> str:
        for root in (str(self.root), os.path.realpath(self.root)):
            if path.startswith(root.rstrip("/") + "/"):
                return "/" + path[len(root.rstrip("/")) + 1 :]
        return path

    # ------------------------------------------------------------------ who we are

    @cached_property
    def status(self) -> dict[str, str]:
        """The fields of /proc/self/status."""
        rows = (line.partition(":") for line in (self.text("/proc/self/status") or "").splitlines())
        return {name: value.strip() for name, _, value in rows}

    @property
    def is_root(self) -> bool:
        return self.status.get("Uid", "").split()[1:2] == ["0"]

    def has_capability(self, bit: int) -> bool:
        return bool(int(self.status.get("CapEff", "0"), 16) >> bit & 1)

    def in_group(self, name: str) -> bool:
        """Whether this process (not only /etc/group) belongs to a group: a new membership needs a new login."""
        rows = (line.split(":") for line in (self.text("/etc/group") or "").splitlines())
        ids = {row[2] for row in rows if len(row) > 2 and row[0] == name}
        ours = self.status.get("Groups", "").split() + self.status.get("Gid", "").split()[1:2]
        return bool(ids & set(ours))

    def may_use(self, path: str) -> bool:
        """Whether this process may read and write ``path``, by root's right or by owner, group and mode."""
        if self.is_root:
            return True
        info = self.on_disk(path).stat()
        if str(info.st_uid) in self.status.get("Uid", "").split()[1:2]:
            return info.st_mode >> 6 & 6 == 6
        groups = self.status.get("Groups", "").split() + self.status.get("Gid", "").split()[1:2]
        return (info.st_mode >> 3 if str(info.st_gid) in groups else info.st_mode) & 6 == 6

    def limit(self, title: str) -> float:
        """A soft limit of /proc/self/limits by its title there; infinity where unlimited."""
        match = re.search(rf"^{re.escape(title)}\s+(\S+)", self.text("/proc/self/limits") or "", re.MULTILINE)
        if match is None:
            raise LookupError(f"/proc/self/limits has no {title!r}")
        return float("inf") if match[1] == "unlimited" else float(match[1])

    @cached_property
    def processes(self) -> dict[str, list[int]]:
        """Name (15 letters at most, as the kernel keeps it) -> process ids."""
        found: dict[str, list[int]] = {}
        for path in self.matching("/proc/[0-9]*/comm"):
            found.setdefault(self.text(path) or "", []).append(int(path.split("/")[2]))
        return found

    # ------------------------------------------------------------------ kinds of computers

    @cached_property
    def contract(self) -> Contract:
        """The contract of the source tree, else the installed one. Raises TaktError when it is not valid."""
        return load(self.tree / "config/contract.yaml" if self.tree else None)

    @property
    def is_tegra(self) -> bool:
        return self.exists("/etc/nv_tegra_release") or "tegra" in (self.text("/proc/version") or "")

    @property
    def is_installed(self) -> bool:
        """Whether `takt install` has made this computer a robot."""
        return bool(self.matching("/etc/systemd/system/takt-*.service"))

    @property
    def port(self) -> str | None:
        """The board's serial line: the one named, else udev's name for it, else the first USB serial adapter."""
        if self.named_port:
            return self.named_port
        found = [p for g in ("takt_board", "ttyACM*", "ttyUSB*") for p in self.matching(f"/dev/{g}")]
        return found[0] if found else None

    # ------------------------------------------------------------------ no files

    @property
    def now_s(self) -> float:
        """Seconds since 1970 by the clock on the wall."""
        return time.time()

    @property
    def architecture(self) -> str:
        return platform.machine()

    @property
    def python_version(self) -> tuple[int, int]:
        major, minor, _ = platform.python_version_tuple()
        return int(major), int(minor)

    def package_version(self, name: str) -> str | None:
        """The installed version of a Python package; "" when it can be imported and has no version; None without it."""
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            return "" if importlib.util.find_spec(name.replace("-", "_")) else None

    def output(self, *command: str) -> str | None:
        """What a command that only looks prints; None when it is missing, fails or takes longer than 3 s."""
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_COMMAND_TIMEOUT_S)
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    def space_bytes(self, path: str) -> tuple[int, int]:
        """(free for us, whole) of the file system at ``path`` or its nearest folder that exists."""
        info = os.statvfs(self._nearest_folder(path))
        return info.f_bavail * info.f_frsize, info.f_blocks * info.f_frsize

    def sync_s(self, folder: str) -> float:
        """The longest of a few small writes with fsync in ``folder`` or its nearest folder that exists, in seconds."""
        return probes.sync_s(self._nearest_folder(folder))

    def _nearest_folder(self, path: str) -> Path:
        folder = self.on_disk(path)
        while not folder.is_dir():
            folder = folder.parent
        return folder

    def clock_error_s(self) -> float | None:
        """The kernel's own bound on the error of the clock in seconds; None while nothing keeps it in step."""
        return probes.clock_error_s()

    def multicast_arrives(self) -> bool:
        """Whether a datagram to DDS's multicast group comes back over the loopback interface."""
        return probes.multicast_arrives()

    def providers(self) -> list[str]:
        """What onnxruntime can compute with. Raises LookupError without onnxruntime."""
        return probes.providers()

    def board_property(self, port: str, baud: int) -> str | None:
        """The contract that a board without an agent tells on ``port``; None when nothing is heard."""
        return probes.board_property(str(self.on_disk(port)), baud)

    def holders(self, device: str) -> list[str]:
        """Names of the processes (that we may look into) which hold ``device`` open."""
        wanted, found = self.real(device), set()
        for link in glob.iglob(str(self.on_disk("/proc/[0-9]*/fd/*"))):
            try:
                if self._from_root(os.readlink(link)) == wanted:
                    found.add(link.split("/fd/")[0])
            except OSError:
                continue  # it ended, or belongs to another user
        return sorted(self.text(self._from_root(process) + "/comm") or "?" for process in found)


def _natural(path: str) -> list[tuple[int, str]]:
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path)]
