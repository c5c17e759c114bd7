"""GPUs as `nvidia-smi` tells of them, so that nothing imports torch to know."""

import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

GPU = Path("/dev/nvidiactl")
EVERY = 5
"""Seconds between two samples of the memory in use."""
MB, GB = 2**20, 10**9


@dataclass(frozen=True, slots=True)
class Card:
    """A GPU of this machine."""

    name: str
    total: int  # bytes
    used: int  # bytes, by all programs


def cards() -> list[Card]:
    """GPUs of this machine; none where the driver does not answer."""
    command = _command()
    try:
        asked = subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout if command else ""
    except (OSError, subprocess.SubprocessError):
        return []
    return [card for line in asked.splitlines() if (card := _card(line))]


def _command() -> list[str] | None:
    tool = shutil.which("nvidia-smi") if GPU.exists() else None
    return [tool, "--query-gpu=memory.total,memory.used,name", "--format=csv,noheader,nounits"] if tool else None


def _card(line: str) -> Card | None:
    total, used, name = (part.strip() for part in f"{line},,".split(",", 2))
    return Card(name.strip(","), int(total) * MB, int(used) * MB) if total.isdigit() and used.isdigit() else None  # it may say [N/A]


@contextmanager
def watched() -> Iterator[Callable[[], str]]:
    """A function that tells the memory in use on the fullest GPU, sampled beside the program; empty without a GPU."""
    command = _command()
    if command is None:
        yield lambda: ""
        return
    seen: dict[int, Card] = {}
    with subprocess.Popen([*command, "-l", str(EVERY)], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as program:
        threading.Thread(target=_sample, args=(program, seen), daemon=True).start()
        try:
            yield lambda: _fullest(seen)
        finally:
            program.terminate()


def _sample(program: subprocess.Popen[str], seen: dict[int, Card]) -> None:
    """Keeps the last sample of each card; they come in turn."""
    assert program.stdout
    count = max(len(cards()), 1)
    for number, line in enumerate(program.stdout):
        if card := _card(line):
            seen[number % count] = card


def _fullest(seen: dict[int, Card]) -> str:
    if not seen:
        return ""
    card = max(seen.values(), key=lambda each: each.used / each.total)
    return f"GPU {card.used / GB:.1f} of {card.total / GB:.0f} GB"
