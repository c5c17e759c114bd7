"""Bars on pictures at the size of the real benchmark: kept once, not read again, in flat memory. A stub gives them; DVC runs the stage."""

import json
import os
import sys
import time
from collections.abc import Iterator, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import polars as pl
from PIL import Image

from benchmarks.bar import Bar, at_least, at_most
from benchmarks.invented import commented
from trig import generate, params
from trig.backends.executors.local import Local
from trig.generate.plan import plan
from trig.protocols.generator import Order, Picture
from trig.protocols.refusal import Refusal
from trig.store import Store
from trig.tables.sources import Library
from trig.testing.programs import ROOT, peak, run
from trig.testing.project import DVC, Project
from trig.vocabulary.dimensions import SUBSETS

PICTURES, SIZE, BATCH = 2_000, 1_500_000, 16
MANY, SMALL = 5_000, 100_000
SHARDS = 20
"""Subsets that the pictures are spread over."""
MB = 1e6


class Stub:
    """Noise, with the seed as a comment: what a painter gives, in no time. Satisfies `Generator`."""

    revision, engine = "stub", "stub 1"

    def __init__(self, size: int) -> None:
        self.size = size

    def generate(self, orders: Sequence[Order]) -> list[Picture | Refusal]:
        """A picture per order."""
        return [Picture(commented(noise(self.size), str(order.seed)), 12, 12) for order in orders]


@cache
def noise(size: int) -> bytes:
    """PNG of about so many bytes."""
    side = int((size / 3) ** 0.5)
    out = BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)).save(out, "PNG", compress_level=1)
    return out.getvalue()


def wanted(count: int, changed: int) -> pl.DataFrame:
    """Prompts over subsets; the first `changed` have other texts."""
    numbers = range(count)
    subsets = [SUBSETS[number * SHARDS // count] for number in numbers]
    return pl.DataFrame(
        {
            "task": [task.value for task, _ in subsets],
            "pair": [str(pair) for _, pair in subsets],
            "data_id": [f"{pair}_{number}" for number, (_, pair) in enumerate(subsets)],
            "prompt": [f"picture {number}" for number in numbers],
            "key": [f"{number}{'*' if number < changed else ''}" for number in numbers],
            "source": pl.Series([None] * count, dtype=pl.String),
        }
    )


def main(images: Path, pictures: int, size: int, changed: int) -> None:
    """The stage, on a stub."""
    settings = params.load(ROOT / "params.yaml")
    settings = settings.model_copy(update={"generate": settings.generate.model_copy(update={"batch_size": BATCH})})
    stub, held = Stub(size), list[int]()
    noise(size)
    before, began = counters(), time.monotonic()
    with Store.open() as store:
        planned = plan(wanted(pictures, changed), stub, 42)
        for step in generate.shards(planned, Library(), "tiny", settings, stub, Local(stub), store, images):
            held.append(resident())
            last = step
    seconds, after = time.monotonic() - began, counters()
    told = {name: after[name] - before[name] for name in after} | {"seconds": seconds, "made": last.computed, "bytes": len(noise(size))}
    told |= {"peak": peak(), "early": max(held[: len(held) // 5 + 1]), "late": max(held)}
    Path("told.json").write_text(json.dumps(told), "utf-8")


def counters() -> dict[str, int]:
    """Bytes that this process has read and written, from caches too."""
    lines = (line.split(": ") for line in Path("/proc/self/io").read_text("ascii").splitlines())
    return {name: int(count) for name, count in lines if name in ("rchar", "wchar")}


def resident() -> int:
    """Resident memory of this process in bytes."""
    return int(Path("/proc/self/statm").read_text("ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")


def storage(_: Project) -> Iterator[Bar]:
    """2,000 pictures of 1.5 MB through the stage under DVC; the same again; one prompt changed; 5,000 smaller ones."""
    with TemporaryDirectory() as place:
        root = Path(place)
        first = stage(root, PICTURES, SIZE, 0)
        whole = PICTURES * first["bytes"]
        yield at_least("2,000 pictures of 1.5 MB from a stub, pictures/s", PICTURES / first["seconds"], 40)
        yield at_most("disk, work store, output and DVC's cache together, times the pictures", on_disk(root) / whole, 1.15)
        yield at_most("peak memory", first["peak"] / MB, 600, " MB")
        before = inodes(root)
        again = stage(root, PICTURES, SIZE, 0, "# again\n")
        yield at_most("the stage again, nothing changed: read", again["rchar"] / MB, 5, " MB")
        yield at_most("the stage again, nothing changed", again["seconds"], 5, " s")
        changed = stage(root, PICTURES, SIZE, 1)
        after = inodes(root)
        yield at_most("one prompt changed: pictures made", changed["made"], 1)
        yield at_most("one prompt changed: shards rewritten", sum(before[name] != after[name] for name in after), 1)
        yield at_most("one prompt changed: read, times a shard", changed["rchar"] / (whole / SHARDS), 1.25)
    with TemporaryDirectory() as place:
        many = stage(Path(place), MANY, SMALL, 0)
        yield at_most("memory over 5,000 pictures, growth after the first fifth", (many["late"] - many["early"]) / MB, 50, " MB")


def stage(root: Path, pictures: int, size: int, changed: int, comment: str = "") -> dict[str, Any]:
    """Runs it by DVC in a repository with this project's configuration; what it told."""
    if not (root / ".dvc").exists():
        run("git", "init", "--quiet", cwd=root)
        run(*DVC, "init", "--quiet", cwd=root)
        copyfile(ROOT / ".dvc" / "config", root / ".dvc" / "config")
    code = f"{comment}import sys; sys.path.insert(0, {str(ROOT)!r})\nfrom benchmarks.storage import main\n"
    code += f"from pathlib import Path\nmain(Path('images'), {pictures}, {size}, {changed})\n"
    (root / "stage.py").write_text(code, "utf-8")
    lines = "stages:\n  images:\n    cmd: " + sys.executable + " stage.py\n    deps: [stage.py]\n    outs: [images]\n"
    (root / "dvc.yaml").write_text(lines, "utf-8")
    run(*DVC, "repro", "--quiet", cwd=root)
    found: dict[str, Any] = json.loads((root / "told.json").read_text("utf-8"))
    return found


def on_disk(root: Path) -> int:
    """Bytes of blocks below a folder, hard links counted once."""
    found = {file.stat().st_ino: file.stat().st_blocks * 512 for file in root.rglob("*") if file.is_file()}
    return sum(found.values())


def inodes(root: Path) -> dict[str, int]:
    """Inode of each shard."""
    return {str(file): file.stat().st_ino for file in (root / "images").rglob("*.parquet")}
