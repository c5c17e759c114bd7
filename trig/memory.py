"""Memory and CPU limits of this process, so that what cannot fit is refused before it starts."""

import ctypes
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from trig.errors import ParamsError

GROUPS, GROUP = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")
"""The cgroup file system, and the cgroups of this process."""
GB = 10**9
MMAP_MAX, TRIM_THRESHOLD = -4, -1
"""Parameters of glibc's mallopt: most blocks with a mapping of their own, and free bytes at the end of the heap before they go back."""


def there() -> int:
    """Memory limit in bytes: physical memory, or the cgroup limit (container) if lower."""
    limits = [int(text) for file in _limits() if file.is_file() and (text := file.read_text().strip()).isdigit()]
    return min([os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *limits])


def _limits() -> Iterator[Path]:
    """Limit files of this process's cgroup and its ancestors, in cgroup v1 and v2."""
    lines = GROUP.read_text().splitlines() if GROUP.is_file() else []
    for kinds, place in (line.split(":", 2)[1:] for line in lines):
        top, file = (GROUPS, "memory.max") if not kinds else (GROUPS / "memory", "memory.limit_in_bytes")
        if not kinds or "memory" in kinds.split(","):
            group = top / place.lstrip("/")
            yield from (each / file for each in (group, *group.parents) if each.is_relative_to(top))


def cores() -> int:
    """Usable CPU cores: the affinity mask on Linux."""
    return len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1


def require(needed: int, field: str) -> None:
    """Raises ParamsError, naming the parameter to lower, if `needed` bytes exceed the memory limit."""
    if needed > (most := there()):
        raise ParamsError(f"{field}: takes about {needed / GB:,.0f} GB of memory, and there are {most / GB:,.0f} GB here; lower it")


def keep_pages() -> None:
    """Lets this process keep the memory that it frees, for the next block: a forward pass on a CPU frees and takes the same megabytes at every layer.

    Otherwise glibc gives each back to the system, which clears and maps every page anew. Nothing changes where the C library is another.
    """
    tune = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if tune:
        tune(MMAP_MAX, 0)
        tune(TRIM_THRESHOLD, 2**31 - 1)
