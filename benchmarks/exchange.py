"""Bars on the published formats and the prompts table, at the size of the published benchmark.

`python -m benchmarks.exchange PROMPTS` reads a prompts table in a process of its own, and prints the seconds.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.bar import Bar, at_most
from trig import pictures, tables
from trig.exchange import SPLITS
from trig.tables.prompts import PROMPTS
from trig.testing.programs import Ran, run
from trig.testing.project import Project
from trig.vocabulary.dimensions import SUBSETS, Dimension, Pair, Task
from trig.vocabulary.sizes import published_size

SIDE = 64
"""Pixels of a picture's side."""
WORDS = "a red kite over the harbour while two people carry an old wooden ladder past the bakery at dusk".split()


def exchange(_: Project) -> Iterator[Bar]:
    """40,200 published records and 27,000 pictures there and back through both formats; then the prompts table, with the pictures put away."""
    with TemporaryDirectory() as folder:
        place = Path(folder)
        written = publish(place / "published")
        size = f"{sum(map(len, written.values())):,} records"
        steps = {
            "import of JSON": ("import", "trig-bench", place / "published", "--out", place / "one"),
            "export to the hub's layout": ("export", place / "one", "--to", "hf", "--out", place / "hf"),
            "import of the hub's layout": ("import", "trig-bench", place / "hf", "--out", place / "two"),
            "export to JSON": ("export", place / "two", "--to", "json", "--out", place / "json"),
        }
        ran = {name: trig(*arguments) for name, arguments in steps.items()}
        for name, one in ran.items():
            yield at_most(f"{name}, {size}", one.seconds, 30, " s")
        yield at_most("the same, peak memory", max(one.peak for one in ran.values()) / 1e9, 1.5, " GB")
        again = {task: json.loads((place / "json" / file_of(task)).read_text("utf-8")) for task in Task}
        lost = sum(was != now for task in Task for was, now in zip(written[task], again[task], strict=True))
        yield at_most("records that differ after both round trips", lost, 0)
        (place / "one/sources").rename(place / "away")
        seconds = float(run(sys.executable, "-m", "benchmarks.exchange", str(place / "one/prompts.parquet")).stdout)
        yield at_most(f"prompts table of {size} read, its pictures put away", seconds, 1, " s")


def trig(*arguments: str | Path) -> Ran:
    """A command, in a process of its own."""
    return run(sys.executable, "-m", "trig.cli", *map(str, arguments))


def file_of(task: Task) -> str:
    """The JSON file of a task."""
    return f"{SPLITS[task].replace('_', '-')}.json"


def publish(place: Path) -> dict[Task, list[dict[str, Any]]]:
    """Invented records of the published sizes, each edit and subject with a picture of its own; the records by task."""
    draw = np.random.default_rng(0)
    made: dict[Task, list[dict[str, Any]]] = {task: [] for task in Task}
    for task, pair in SUBSETS:
        made[task] += (record(task, pair, number) for number in range(1, published_size(task, pair) + 1))
    for task, records in made.items():
        folder = place / "images" / SPLITS[task].replace("_", "-")
        folder.mkdir(parents=True)
        (place / file_of(task)).write_text(json.dumps(records), "utf-8")
        for each in records if task is not Task.T2I else ():
            pixels = draw.integers(0, 256, (SIDE // 4, SIDE // 4, 3), dtype=np.uint8).repeat(4, 0).repeat(4, 1)
            (folder / each["img_id"]).write_bytes(pictures.png(Image.fromarray(pixels)))
    return made


def record(task: Task, pair: Pair, number: int) -> dict[str, Any]:
    """A record. Text-to-image subsets of Aesthetics and Content copy those of Realism."""
    root = Pair.of(Dimension.REALISM, pair.y)
    copy = (
        task is Task.T2I
        and pair.x in (Dimension.AESTHETICS, Dimension.CONTENT)
        and published_size(task, root) >= published_size(task, pair)
    )
    text = f"{' '.join(WORDS)}, number {number} of {root if copy else pair}"
    told = {"data_id": f"{pair}_{number}", "prompt": text, "dimension_prompt": ["", f"of {pair.y}"]}
    parents = [f"<{root.x}, {root.y}>", "Origin"] if copy else ["New", "Auto"]
    if task is Task.T2I:
        return told | {"img_id": "", "dimension": [pair.x, pair.y], "parent_dataset": parents}
    item = {"item": f"ladder {number}"} if task is Task.S2P else {}
    return told | item | {"parent_dataset": ["OmniEdit-Filtered", "Auto"], "img_id": f"{pair}_{number}.png", "dimensions": [pair.x, pair.y]}


def main() -> None:
    """Time one read."""
    began = perf_counter()
    tables.read(Path(sys.argv[1]), PROMPTS)
    print(perf_counter() - began)


if __name__ == "__main__":
    main()
