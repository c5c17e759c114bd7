"""How much memory there is, so that what cannot fit is refused before it starts."""

import os
from pathlib import Path

from trig.errors import ParamsError

LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""What a container may take, under both versions of Linux' control groups."""
GB = 10**9


def there() -> int:
    """Bytes of memory of this machine, or of the container."""
    limits = [int(text) for file in LIMITS if file.is_file() and (text := file.read_text().strip()).isdigit()]
    return min([os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"), *limits])


def require(needed: int, field: str) -> None:
    """Raises ParamsError, naming the parameter to lower, where so many bytes cannot be had."""
    if needed > (most := there()):
        raise ParamsError(f"{field}: takes about {needed / GB:,.0f} GB of memory, and there are {most / GB:,.0f} GB here; lower it")
