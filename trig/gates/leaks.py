"""What train and test prompts share, and copies that differ from their parents."""

from collections.abc import Iterator, Mapping

import polars as pl

from trig.tables.funnel import Funnel
from trig.text.near import Near

LEAKS = {"task": pl.String, "data_id": pl.String, "split": pl.String, "shares": pl.String, "with": pl.String}
"""A train prompt that shares an `ancestor`, a `caption`, a `source` picture or a `near-duplicate` with a test prompt, and which."""
SAME = ("prompt", "caption", "item", "source", "key")
"""What a copy has of its parent."""

Node = tuple[str, str, str]
"""Task, data_id and split of a row; the split is empty for a parent that is no row."""


def leaks(prompts: pl.DataFrame, near_duplicate: float) -> pl.DataFrame:
    """Train prompts that share something with a test prompt of any task (near-duplicates and ancestors: of the same task)."""
    rows = prompts.with_columns(pl.col("task", "pair", "split").cast(pl.String)).sort("task", "pair", "data_id", "split")
    test, train = (list(rows.filter(pl.col("split") == name).iter_rows(named=True)) for name in ("test", "train"))
    found: list[tuple[str, ...]] = []
    for shares, pairs in (
        ("ancestor", _ancestors(rows, test, train)),
        ("caption", _equal("caption", test, train)),
        ("source", _equal("source", test, train)),
        ("near-duplicate", _near(test, train, near_duplicate)),
    ):
        found += [(row["task"], row["data_id"], row["split"], shares, other) for row, other in pairs]
    return pl.DataFrame(found, schema=LEAKS, orient="row")


def changed_copies(prompts: pl.DataFrame) -> pl.DataFrame:
    """Copies that differ from their parent in prompt, caption, item, source picture or key, or whose parent is no prompt of their task and split."""
    rows = prompts.select(pl.col("task", "split").cast(pl.String), pl.col("route").cast(pl.String), "data_id", "parent", *SAME)
    parents = rows.select("task", "split", pl.col("data_id").alias("parent"), *SAME, there=pl.lit(True))
    copies = rows.filter(pl.col("route") == "copy").join(
        parents, on=["task", "split", "parent"], how="left", suffix="_of_parent", maintain_order="left"
    )
    told = [pl.when(pl.col(name).ne_missing(pl.col(f"{name}_of_parent"))).then(pl.lit(name)) for name in SAME]
    differs = (
        pl.when(pl.col("there")).then(pl.concat_str(told, separator=", ", ignore_nulls=True)).otherwise(pl.lit("there is no such parent"))
    )
    return copies.with_columns(differs=differs).filter(pl.col("differs") != "").select("task", "data_id", "split", "parent", "differs")


def notes(funnel: Funnel) -> Iterator[str]:
    """A note on subsets whose material is exhausted."""
    short = [one for one in funnel.subsets if one.exhausted]
    if short:
        told = "; ".join(f"{one.task} {one.pair} {one.split}: {one.accepted} of {one.wanted}" for one in short[:5])
        more = f"; and {len(short) - 5} more" if len(short) > 5 else ""
        yield f"subsets whose material is exhausted, with fewer prompts than were asked for: {len(short)}: {told}{more}"


Found = Iterator[tuple[Mapping[str, str], str]]
"""A train row, and what it shares."""
Rows = list[dict[str, str]]


def _equal(column: str, test: Rows, train: Rows) -> Found:
    known = {row[column] for row in test if row[column] is not None}
    return ((row, row[column]) for row in train if row[column] in known)


def _ancestors(rows: pl.DataFrame, test: Rows, train: Rows) -> Found:
    """Train prompts whose line of parents meets that of a test prompt. A parent is sought in the own split first, then in the other."""
    parents: dict[Node, str | None] = {
        (task, name, split): parent for task, name, split, parent in rows.select("task", "data_id", "split", "parent").iter_rows()
    }
    tested = {node for row in test for node in _line(row, parents)}
    for row in train:
        shared = next((node for node in _line(row, parents) if node in tested), None)
        if shared is not None:
            yield row, shared[1]


def _line(row: Mapping[str, str], parents: Mapping[Node, str | None]) -> Iterator[Node]:
    """The row, its parent, and so on; ends where a line returns to itself."""
    node, seen = (row["task"], row["data_id"], row["split"]), set[Node]()
    while node not in seen:
        seen.add(node)
        yield node
        task, _, split = node
        parent = parents.get(node)
        if parent is None:
            return
        other = {"test": "train", "train": "test"}.get(split, "")
        node = next((one for one in ((task, parent, split), (task, parent, other)) if one in parents), (task, parent, ""))


def _near(test: Rows, train: Rows, threshold: float) -> Found:
    """Train prompts that nearly duplicate a test prompt of their task, also for another picture."""
    kept: dict[str, Near] = {}
    for row in test:
        kept.setdefault(row["task"], Near(threshold)).add(row["prompt"], row["data_id"])
    for row in train:
        name = kept[row["task"]].near(row["prompt"]) if row["task"] in kept else None
        if name is not None:
            yield row, name
