"""Output of `trig compare`: terminal, JSON and Markdown."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.console import Console

from trig.cli.worse import HEADS, Worse
from trig.report.markdown import code
from trig.report.markdown import table as markdown_table
from trig.run.display import console, table
from trig.vocabulary.about import ABOUT
from trig.vocabulary.dimensions import Dimension, Pair
from trig.vocabulary.relations import Relation

if TYPE_CHECKING:
    from trig.classify.change import Run
    from trig.classify.compare import Agreement

Row = Mapping[str, Any]
VERDICTS = ("task", "pair", "A", "B", "rho A", "rho B")
TASKS = ("task", "pairs with a verdict in both", "equal relations", "Cohen's kappa", "rho between the rhos")
CHANGED = ("task", "pair", "n", "first dimension", "second dimension", "rho", "verdicts differ")
MOST = 60
"""Maximum table rows on the terminal and in Markdown; JSON has all."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a comparison."""

    label: str
    model: str  # as named in `relations`
    relations: pl.DataFrame  # of this model only
    run: "Run | None"  # None for a published map
    said: Mapping[str, Any]  # parameters, unvalidated
    notes: tuple[str, ...] = ()  # warnings

    @property
    def groups(self) -> dict[str, tuple[str, ...]]:
        """The map as text, per task."""
        from trig.classify.map import lines

        tasks = self.relations["task"].cast(pl.String).unique(maintain_order=True)
        return {task: lines(self.relations, self.model, task) for task in tasks}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both sides and the results."""

    a: Side
    b: Side
    agreement: "Agreement"
    by_task: Mapping[str, "Agreement"]  # agreement per task
    differing: pl.DataFrame  # see `trig.classify.compare.differing`
    changes: pl.DataFrame | None  # CHANGES; None if a side has no scores
    fdr: float
    notes: tuple[str, ...]
    worse: Worse | None = None  # where --fail-on asks for it


def as_json(found: Comparison) -> None:
    """Print everything as JSON."""
    sides = {name: {"label": side.label, "model": side.model, "groups": side.groups} for name, side in (("a", found.a), ("b", found.b))}
    told = {
        **sides,
        "notes": found.notes,
        "agreement": asdict(found.agreement),
        "agreement_by_task": {task: asdict(agreed) for task, agreed in found.by_task.items()},
        "differing": found.differing.to_dicts(),
        "changes": None if found.changes is None else found.changes.to_dicts(),
        "worse": found.worse and found.worse.as_json(),
    }
    print(json.dumps(told, indent=2, allow_nan=False))


def show(found: Comparison) -> None:
    """Print tables for a terminal."""
    out = console()
    out.print(f"A  {found.a.label}\nB  {found.b.label}")
    for note in found.notes:
        out.print(f"note: {note}")
    _table(out, "Agreement of the two maps", ("", ""), list(_agreed(found.agreement)))
    if len(found.by_task) > 1:
        _table(out, "Agreement on each task", TASKS, _tasks(found))
    for name, side in (("A", found.a), ("B", found.b)):
        rows = [(task, line) for task, said in side.groups.items() for line in said or ("no pair shows a relation",)]
        _table(out, f"Groups of {name}", ("task", "group"), rows)
    _table(out, "Pairs whose verdicts differ", VERDICTS, _verdicts(found))
    if found.changes is not None:
        _table(out, "Pairs that changed from A to B, on the same prompts", CHANGED, _changed(found))
        out.print(_tally(found.changes, found.fdr))
    if found.worse:
        _table(out, "Means that may have fallen from A to B, on the same prompts", HEADS, found.worse.rows(every=True))
        for line in found.worse.told():
            out.print(line)


def as_markdown(found: Comparison) -> str:
    """Markdown summary for a pull request. User-chosen names are code spans, with markup escaped."""
    return "\n".join(_markdown(found)) + "\n"


def _markdown(found: Comparison) -> Iterator[str]:
    yield f"### The map from {code(found.a.label)} to {code(found.b.label)}\n"
    yield from (f"> {code(note)}\n" for note in found.notes)
    if found.worse:
        yield f"**{'Worse' if found.worse.fails else 'Not worse'}.** {' '.join(found.worse.told())}\n"
        yield from _rows(HEADS, found.worse.rows(every=False))
        yield ""
    yield from _rows(("agreement", ""), list(_agreed(found.agreement)))
    if len(found.by_task) > 1:
        yield from ("", *_rows(TASKS, _tasks(found)))
    if found.changes is not None:
        yield f"\n**Changed, on the same prompts.** {_starred(_tally(found.changes, found.fdr))}\n"
        yield from _rows(CHANGED, _changed(found))
    yield "\n<details><summary>Pairs whose verdicts differ, and the groups of both maps</summary>\n"
    yield from _rows(VERDICTS, _verdicts(found))
    for name, side in (("A", found.a), ("B", found.b)):
        yield f"\n**{name}**\n"
        yield from [f"- {task}: {line}" for task, said in side.groups.items() for line in said] or ["- no pair shows a relation"]
    yield "\n</details>"


def _agreed(found: "Agreement") -> Iterator[tuple[str, str]]:
    yield "pairs with a verdict in both", str(found.pairs)
    if found.share is not None:
        turned = f"; {found.turned} of these lean to different sides" if found.turned else ""
        yield "equal relations", f"{found.equal} ({found.share:.0%}){turned}"
    yield "Cohen's kappa", f"none: {found.kappa_reason}" if found.kappa is None else f"{found.kappa:.2f}"
    yield "Spearman's rho between the rhos", f"none: {found.rho_reason}" if found.rho is None else f"{found.rho:.2f} ({found.rhos} pairs)"
    if found.only_a or found.only_b:
        yield "pairs of one map only", f"{found.only_a} of A, {found.only_b} of B"
    if found.too_few:
        yield "too few points on a side", str(found.too_few)


def _tasks(found: Comparison) -> list[tuple[str, ...]]:
    return [
        (task, str(on.pairs), "none" if on.share is None else f"{on.equal} ({on.share:.0%})", _number(on.kappa), _number(on.rho))
        for task, on in found.by_task.items()
    ]


def _verdicts(found: Comparison) -> list[tuple[str, ...]]:
    return [
        (row["task"], row["pair"], *(_verdict(row, side) for side in "ab"), *(_number(row[f"rho_{side}"]) for side in "ab"))
        for row in found.differing.iter_rows(named=True)
    ]


def _verdict(row: Row, side: str) -> str:
    """`tilt, Style over Content (87 %, weak)`: the verdict, with stability and evidence if any."""
    said = str(row[f"relation_{side}"])
    if said == Relation.TILT and row[f"leaning_{side}"] is not None:
        pair = Pair.parse(row["pair"])
        other = pair.x if row[f"leaning_{side}"] == pair.y else pair.y
        said += f", {_name(row[f'leaning_{side}'])} over {_name(other)}"
    stability, evidence = row[f"stability_{side}"], row[f"evidence_{side}"]
    belief = [*([] if stability is None else [f"{stability:.0%}"]), *([] if evidence is None else [evidence])]
    return f"{said} ({', '.join(belief)})" if belief else said


def _changed(found: Comparison) -> list[tuple[str, ...]]:
    """The changed pairs, formatted; a star marks q ≤ `fdr`."""
    return (
        []
        if found.changes is None
        else [_change(row, found.fdr) for row in found.changes.filter(pl.col("change") == "changed").iter_rows(named=True)]
    )


def _change(row: Row, fdr: float) -> tuple[str, ...]:
    names = {"x": Pair.parse(row["pair"]).x, "y": Pair.parse(row["pair"]).y}
    said = [_tested(row, name, fdr, f"{_name(names[name])} " if name in names else "") for name in ("x", "y", "rho")]
    return (row["task"], row["pair"], str(row["n"]), *said, "" if row["differ"] is None else f"{row['differ']:.0%}")


def _tested(row: Row, name: str, fdr: float, what: str) -> str:
    if row[name] is None:
        return "none"
    digits = 2 if name == "rho" else 4  # a small change of a mean can be significant
    ends = "" if row[f"{name}_low"] is None else f" ({row[f'{name}_low']:+.{digits}f} to {row[f'{name}_high']:+.{digits}f})"
    star = "*" if row[f"{name}_q"] is not None and row[f"{name}_q"] <= fdr else ""
    return f"{what}{row[name]:+.{digits}f}{star}{ends}"


def _tally(changes: pl.DataFrame, fdr: float) -> str:
    counts = {word: changes.filter(pl.col("change").eq_missing(pl.lit(word))).height for word in ("changed", "not shown", None)}
    left_out = {"lack a score": changes["nulls"].sum(), "have no partner of the same prompt and seed": changes["unpaired"].sum()}
    few = f", {counts[None]} with too few samples to test" if counts[None] else ""
    out = "".join(f" {count} samples {why} and are left out." for why, count in left_out.items() if count)
    return f"{counts['changed']} of {changes.height} pairs changed, {counts['not shown']} not shown{few}. * q at most {fdr:g}, over all pairs.{out}"


def _name(code: str) -> str:
    return ABOUT[Dimension(code)].name


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.2f}"


def _table(out: Console, title: str, heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    out.print(f"\n{title}" + ("" if rows else ": none"))
    if rows:
        out.print(table(heads, rows[:MOST]))
    if len(rows) > MOST:
        out.print(f"and {len(rows) - MOST} more; --json has them all")


def _rows(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Markdown table. Cells are our own text: only asterisks are escaped."""
    if not rows:
        yield "None."
        return
    yield from markdown_table(heads, [tuple(map(_starred, row)) for row in rows[:MOST]], names=len(heads))
    if len(rows) > MOST:
        yield f"\nand {len(rows) - MOST} more"


def _starred(text: str) -> str:
    """Escape asterisks for Markdown."""
    return text.replace("*", r"\*")
