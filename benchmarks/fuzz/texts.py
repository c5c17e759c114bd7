"""Readers of texts that people write: materials, rewrites, rubrics, notes of sources, review sheets and verdicts."""

import csv
import json
import shutil
from pathlib import Path

import polars as pl

from benchmarks.fuzz.reader import Reader
from trig import params, tables
from trig.annotate import benchmark
from trig.annotate.pictures import given as given_pictures
from trig.annotate.review import verdicts
from trig.cli import review
from trig.judge.rubrics import rubrics
from trig.prompting.grammar import Grammar
from trig.tables.prompts import PROMPTS
from trig.testing import factories
from trig.testing.programs import ROOT
from trig.vocabulary.dimensions import Task

MATERIAL = ROOT / "material/tiny"
WHOLE = 12
"""Captions of the material under test: a whole one takes seconds where a thousand inputs are read."""
FILES = ("edits.yaml", "material.yaml", "routes.yaml", "sub_prompts.yaml", "words.yaml")
KEY = "0123456789abcdef" * 2


def material(place: Path) -> None:
    for name in FILES:
        shutil.copy(MATERIAL / name, place)
    blocks = (MATERIAL / "captions.yaml").read_text("utf-8").splitlines(keepends=True)
    tops = [at for at, line in enumerate(blocks) if line[:1].isalnum()]
    (place / "captions.yaml").write_text("".join(blocks[: tops[WHOLE]]), "utf-8")


def annotated(given: Path) -> benchmark.Benchmark:
    """A prompt of each text-to-image subset, from a material."""
    asked = params.load(ROOT / "params.yaml").annotate
    few = asked.model_copy(update={"per_subset": 1, "train_per_subset": 0, "tasks": [Task.T2I]})
    return benchmark.benchmark(given, given, ROOT / "data/review", few, 1, None, lambda _, steps: list(steps))


def _rewrites(place: Path) -> None:
    shutil.copy(MATERIAL / "rewrites.yaml", place)


def _rewrite(given: Path, _: Path) -> None:
    for change in Grammar.of(given, 40).operations.values():
        change("a red ball to the left of a house on a beach at night")


def _rubrics(place: Path) -> None:
    shutil.copytree(ROOT / "trig/judge/rubrics/full", place / "rubrics")


def _ask(given: Path, _: Path) -> None:
    for task in Task:
        rubrics(str(given / "rubrics"), task, ("Bad", "Good"))


def _pictures(place: Path) -> None:
    for number, name in enumerate(("a.png", "b.jpg", "below/c.webp")):
        (place / name).parent.mkdir(exist_ok=True)
        (place / name).write_bytes(factories.png(number, 24, 16))
    (place / "sources.yaml").write_text(
        "a.png: {subject: a fox, item: fox, tasks: [p2p, s2p], licence: CC0-1.0}\nb.jpg:\n  subject: a door\n  place: in a wall\n"
        "below/c.webp: {subject: a kite, description: 'A kite, high up.', origin: noise}\n",
        "utf-8",
    )


def _describe(given: Path, _: Path) -> None:
    found = given_pictures(given)
    for source in found.rows["source"]:
        found.reader.get(source)


def _review(place: Path) -> None:
    """A review of a few prompts with gold items, exported and filled in by two raters."""
    rows = factories.prompts()
    tables.write(rows, PROMPTS, place / "prompts.parquet")
    (place / "gold.csv").write_text("task,pair,prompt,verdict,quality\nt2i,IQ-R_TA-S,An etching of a cat,accept,5\n", "utf-8")
    review.exported(place / "prompts.parquet", place, place / "none", None, 0.5, place / "gold.csv", 0)
    asked = json.loads((place / "key.json").read_text("utf-8"))["items"]
    for rater in ("ann", "ben"):
        with (place / f"{rater}.csv").open("w", encoding="utf-8", newline="") as file:
            lines = csv.writer(file)
            lines.writerow(("id", "rater", "concerns_x", "concerns_y", "quality", "verdict", "remark"))
            lines.writerows((item["id"], rater, "yes", "no", "4", "accept", "fine, mostly") for item in asked)
    shutil.rmtree(place / "raters")


def _collect(given: Path, out: Path) -> None:
    review.imported([given / "ann.csv", given / "ben.csv"], given / "key.json", out / "x.csv", True, 0.7, 1, 0.6, 3, False)
    verdicts(out / "x.csv")


def _export(given: Path, out: Path) -> None:
    review.exported(given / "prompts.parquet", out / "review", given / "none", 2, 0.2, given / "gold.csv", 3)


def _verdicts(place: Path) -> None:
    keys = [KEY, KEY[::-1], KEY[8:] + KEY[:8]]
    rows = [
        (key, "t2i", f"IQ-R_TA-S_{n}", said, "2 accept", "ok", "=a prompt")
        for n, (key, said) in enumerate(zip(keys, ("accept", "reject", "open"), strict=True), 1)
    ]
    for name, some in (("a.csv", rows), ("b.csv", rows[:1])):
        frame = pl.DataFrame(some, schema=["key", "task", "data_id", "verdict", "votes", "reason", "prompt"], orient="row")
        frame.write_csv(place / name)


READERS = (
    Reader("material", 500, material, lambda given, _: annotated(given)),
    Reader("rewrites", 300, _rewrites, _rewrite),
    Reader("rubrics", 200, _rubrics, _ask),
    Reader("source-notes", 300, _pictures, _describe),
    Reader("review-sheets", 400, _review, _collect),
    Reader("review-prompts", 200, _review, _export),
    Reader("verdicts", 200, _verdicts, lambda given, _: verdicts(given)),
)
