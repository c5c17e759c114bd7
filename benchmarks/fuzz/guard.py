"""What a reader may touch: an audit hook that notes writes outside its place, programs, pickles and connections to other machines."""

import os
import sys
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
CHANGES = {"os.mkdir": 2, "os.remove": 1, "os.rmdir": 1, "os.symlink": 2, "os.truncate": None, "os.chmod": 2, "os.utime": 3}
"""Events that change a path, with the place of their folder's descriptor: paths relative to one are those of a walk that began at a path."""
NEVER = ("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "pickle.find_class")
"""Events of a program started, or of a pickle that names what it runs."""
HARMLESS = {"uname", "/sbin/ldconfig"}
"""Programs by which a client library learns on which platform it runs."""


class Guard:
    """Notes of what one reader did that it may not do. `watch` and `stop` say when."""

    def __init__(self) -> None:
        self.allowed: Sequence[str] = ()
        self.on = False
        self.notes: list[str] = []
        sys.addaudithook(self._heard)

    def watch(self, *allowed: Path) -> None:
        """Begin, with folders where it may write."""
        self.allowed, self.notes, self.on = [os.path.realpath(each) + os.sep for each in allowed], [], True

    def stop(self) -> list[str]:
        """End; what was noted."""
        self.on = False
        return self.notes

    def _heard(self, event: str, arguments: tuple[Any, ...]) -> None:
        if not self.on:
            return
        if event in {"socket.getaddrinfo", "socket.connect"}:
            self._connects(arguments[0] if event == "socket.getaddrinfo" else arguments[1])
        elif event == "open":
            path, mode, flags = arguments
            if (isinstance(mode, str) and set(mode) & set("wax+")) or (isinstance(flags, int) and flags & WRITES):
                self._changes(event, path)
        elif event in {"os.rename", "os.link"}:
            self._changes(event, arguments[1])
        elif event in CHANGES:
            below = CHANGES[event]
            if below is None or arguments[below] == -1:
                self._changes(event, arguments[0 if event != "os.symlink" else 1])
        elif event in NEVER and arguments[0] not in HARMLESS:
            self.notes.append(f"{event} {str(arguments)[:200]}")

    def _changes(self, event: str, path: Any) -> None:
        if isinstance(path, int):
            return
        found = os.path.realpath(os.fsdecode(path))
        if found != os.devnull and not any((found + os.sep).startswith(each) for each in self.allowed):
            self.notes.append(f"{event} {found}")

    def _connects(self, place: Any) -> None:
        """Refuses other machines: no network is asked. What the product asks for there is for it to decide."""
        host = place[0] if isinstance(place, tuple) else place
        try:
            here = ip_address(str(host)).is_loopback
        except ValueError:
            here = host in {"localhost", b"localhost", None}
        if not here:
            raise OSError(101, "Network is unreachable")


def listing(folder: Path) -> dict[str, tuple[int, int]]:
    """Every path below a folder with size and time of change: what libraries write past Python shows here."""
    found = {}
    for place, folders, files in os.walk(folder):
        for name in (*folders, *files):
            told = os.lstat(os.path.join(place, name))  # noqa: PTH118 - names may be what Path would normalise
            found[os.path.join(place, name)] = (told.st_size, told.st_mtime_ns)  # noqa: PTH118
    return found
