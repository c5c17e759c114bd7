"""What a GPU does with TRIG's models: `python -m benchmarks.gpu --out FOLDER`, at most eight minutes.

It needs torch, diffusers, transformers, peft and pillow, a copy of the repository, and nothing else of the project: no network, no weights but
those of data/tiny. Each part has its own budget and loses nothing of the others; gpu.json and gpu.md are written anew after each figure.
"""

import argparse
import gc
import json
import platform
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from benchmarks.accelerator import judging, painting, training
from benchmarks.accelerator.meter import Meter, Row

PARTS: dict[str, tuple[Callable[[Meter], Iterator[Row]], int]] = {
    "arithmetic": (Meter.product, 20),
    "tiny painter": (painting.tiny, 60),
    "tiny judge": (judging.tiny, 40),
    "painter": (painting.large, 150),
    "judge": (judging.large, 90),
    "training": (training.lora, 110),
    "compiled": (painting.compiled, 120),
}
"""Parts in order of their use, each with its budget in seconds."""
WHOLE = 450
"""Seconds of all parts together: under the eight minutes, with the start."""
HEADS = ("part", "what", "batch", "a second", "× floor", "× product", "memory", "busy", "notes")


class Late(BaseException):
    """A part's time is over. No Exception, so that no library's handler takes it for an error of its own."""


@dataclass
class Found:
    """What was measured, and what was not."""

    machine: dict[str, object]
    rows: list[Row] = field(default_factory=list)
    lost: list[tuple[str, str]] = field(default_factory=list)  # part, and why

    def write(self, folder: Path) -> None:
        """Replaces gpu.json and gpu.md."""
        folder.mkdir(parents=True, exist_ok=True)
        whole = {"machine": self.machine, "rows": [row.plain() for row in self.rows], "lost": self.lost}
        for name, text in {"gpu.json": json.dumps(whole, indent=1), "gpu.md": self.table()}.items():
            new = folder / f"{name}.new"
            new.write_text(f"{text}\n", "utf-8")
            new.replace(folder / name)

    def table(self) -> str:
        """Markdown of docs/gpu.md."""
        said = ", ".join(f"{name} {value}" for name, value in self.machine.items())
        lines = [f"Measured on {said}.", "", _line(HEADS), _line(["---"] * len(HEADS)), *map(_line, map(_cells, self.rows))]
        return "\n".join([*lines, *(f"\nNot measured: {part}: {why}." for part, why in self.lost)])


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(row: Row) -> tuple[str, ...]:
    gaps = (f"{gap:.2f}" if gap else "–" for gap in (row.floor, row.matmul))
    memory, busy = f"{row.memory:.1f} GB" if row.memory is not None else "–", f"{row.busy:.0f} %" if row.busy is not None else "–"
    return row.part, row.what, str(row.batch), f"{1 / row.seconds:.3g} {row.unit}s", *gaps, memory, busy, row.note


@contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raises Late in the block once its time is over; a call into the driver is waited for."""

    def ring(*_: object) -> None:
        raise Late

    before = signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def measure(meter: Meter, asked: list[str], whole: float, folder: Path) -> Found:
    """Runs the parts; the one that fails or is late keeps the figures it has."""
    found, end = Found(machine(meter)), time.monotonic() + whole
    for name in asked:
        part, most = PARTS[name]
        seconds = min(most, end - time.monotonic())
        if seconds <= 0:
            found.lost.append((name, f"the {whole:.0f} s of the run were over"))
            continue
        try:
            with limited(seconds):
                for row in part(meter):
                    found.rows.append(row)
                    print(_line(_cells(row)), file=sys.stderr, flush=True)
                    found.write(folder)
        except Late:
            found.lost.append((name, f"its {seconds:.0f} s were over; what stands above was measured"))
        except Exception as error:  # noqa: BLE001  # whatever it is, the other parts are measured
            found.lost.append((name, " ".join(f"{type(error).__name__}: {error}".split())[:300]))
        gc.collect()
        if meter.cuda:
            torch.cuda.empty_cache()
        found.write(folder)
    return found


def machine(meter: Meter) -> dict[str, object]:
    """Device and libraries."""
    libraries = {name: version(name) for name in ("torch", "diffusers", "transformers", "peft")}
    memory = {"memory": f"{torch.cuda.get_device_properties(meter.device).total_memory / 1e9:.0f} GB"} if meter.cuda else {}
    peak = {"data sheet": f"{meter.peak / 1e12:.0f} TFLOP/s"} if meter.peak else {}
    return {"device": meter.name, **memory, **peak, "Python": platform.python_version(), **libraries}


def main() -> int:
    """Exit code 1 when a part lost a figure."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"all if none is named: {', '.join(PARTS)}")
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1 or cpu")
    parser.add_argument("--small", action="store_true", help="small architectures in place of the large: the same code within seconds")
    parser.add_argument("--seconds", type=float, default=WHOLE, help="of all parts together")
    parser.add_argument("--out", type=Path, default=Path("gpu"), help="folder of gpu.json and gpu.md")
    asked = parser.parse_args()
    if unknown := [name for name in asked.parts if name not in PARTS]:
        parser.error(f"{unknown[0]!r} is no part; choose from {', '.join(PARTS)}")
    if asked.device.startswith("cuda") and not torch.cuda.is_available():
        parser.error("--device: torch sees no GPU here; add --device cpu --small to try the script")
    torch.manual_seed(0)
    meter = Meter(asked.device, asked.small)
    try:
        found = measure(meter, asked.parts or list(PARTS), asked.seconds, asked.out)
    finally:
        if meter.watch:
            meter.watch.close()
    print(found.table())
    return 1 if found.lost else 0


if __name__ == "__main__":
    sys.exit(main())
