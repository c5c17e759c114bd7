"""Bars on annotation: the benchmark at its published size, from the general material, offline.

`python -m benchmarks.annotate FOLDER` writes it into a folder, in a process of its own.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from benchmarks.bar import Bar, at_most
from trig import params, tables
from trig.annotate.benchmark import benchmark
from trig.params.annotate import Annotate
from trig.tables.prompts import PROMPTS
from trig.tables.rejected import REJECTED
from trig.testing.programs import run
from trig.testing.project import Project
from trig.text.words import words
from trig.vocabulary.dimensions import SUBSETS, Pair, Task
from trig.vocabulary.sizes import published_size

MATERIAL = Path("material/general")
NEAR = 0.9
"""Jaccard similarity of word 3-grams from which two prompts are near-duplicates."""


def annotate(_: Project) -> Iterator[Bar]:
    """40,200 prompts in 132 subsets, twice; sizes, bytes and duplicates."""
    with TemporaryDirectory() as folder:
        places = [Path(folder) / name for name in ("one", "two")]
        ran = [run(sys.executable, "-m", "benchmarks.annotate", str(place)) for place in places]
        prompts = tables.read(places[0] / "prompts.parquet", PROMPTS)
        size = f"{prompts.height:,} prompts"
        yield at_most(f"annotate, {size}", max(each.seconds for each in ran), 45, " s")
        yield at_most("the same, peak memory", max(each.peak for each in ran) / 1e9, 1, " GB")
        written = [{file.relative_to(place): file.read_bytes() for file in place.rglob("*.parquet")} for place in places]
        yield at_most("files that differ between two runs", sum(written[0][name] != written[1].get(name) for name in written[0]), 0)
    counts = Counter((Task(task), Pair.parse(pair)) for task, pair in prompts.select("task", "pair").iter_rows())
    yield at_most("subsets of another than the published size", sum(counts[subset] != published_size(*subset) for subset in SUBSETS), 0)
    own = prompts.filter(pl.col("route") != "copy")
    repeated = own.height - own.unique(["task", "prompt", "source"]).height
    yield at_most("prompts that stand twice in a task and are no declared copies", repeated, 0)
    worst = max(near_duplicates(rows["prompt"].to_list()) / rows.height for _, rows in prompts.group_by("task", "pair"))
    yield at_most("near-duplicates in a subset, at most", 100 * worst, 1, " %")


def near_duplicates(prompts: list[str]) -> int:
    """How many prompts nearly duplicate an earlier one, by exact Jaccard similarity: counts shared 3-grams over an inverted index."""
    grams = [set(zip(*(found[at:] for at in range(3)), strict=False)) for found in map(words, prompts)]
    holders: dict[tuple[str, ...], list[int]] = {}
    for index, own in enumerate(grams):
        for gram in own:
            holders.setdefault(gram, []).append(index)
    shared = Counter(pair for places in holders.values() for pair in combinations(places, 2))
    return len({b for (a, b), n in shared.items() if n >= NEAR * (len(grams[a]) + len(grams[b]) - n)})


def settings() -> Annotate:
    """The published sizes, of all tasks, from the general material."""
    changes = {"tasks": ["t2i", "p2p", "s2p"], "profile": "trig", "train_per_subset": 0, "max_tokens": 77, "near_duplicate": NEAR}
    return params.load().annotate.model_copy(update=changes)


def write(folder: Path) -> None:
    """The tables of the benchmark."""
    made = benchmark(MATERIAL, MATERIAL / "sources", Path("data/review"), settings(), 42, None, lambda _, steps: list(steps))
    tables.write(made.prompts, PROMPTS, folder / "prompts.parquet")
    tables.write(made.rejected, REJECTED, folder / "rejected.parquet")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
