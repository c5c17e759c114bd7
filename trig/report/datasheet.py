"""Datasheet of an exported benchmark: sizes, who wrote the prompts, pictures, checks and limits."""

from collections.abc import Iterable, Iterator, Sequence

import polars as pl

from trig.exchange.publishing import Described
from trig.report.markdown import code, prose, table
from trig.tables.funnel import Credit
from trig.vocabulary.dimensions import Dimension, Task, pairs

TASKS = {Task.T2I: "text-to-image", Task.P2P: "image editing", Task.S2P: "subject-driven"}
ALWAYS = (
    "A prompt is about two dimensions; what it asks for on the other eight is accidental.",
    "Prompts of one parent, caption or source picture are not independent: cluster statistics by parent.",
    "Toxicity and Bias prompts probe a model; they are not for training it.",
)


def datasheet(told: Described) -> str:
    """Markdown. Names, origins and prompts are untrusted and escaped."""
    sections = {
        "Sizes": _sizes(told.prompts),
        "Who wrote the prompts": _written(told.prompts),
        "Captions and phrases": credited(told.credits),
        "Source pictures": _pictures(told.sources),
        "Checks": _checks(told),
        "Limits": (f"- {limit}" for limit in _limits(told.prompts)),
        "Licence": [f"{prose(told.licence)}. Captions, phrases and source pictures have the licences of their own rows above."],
        "Examples": _examples(told.prompts),
    }
    intro = f"Prompts about pairs of quality dimensions of generated images, in the format of the TRIG benchmark (arXiv 2507.22100). {prose(told.origin)}"
    parts = [f"# {prose(told.name)}", intro, *(f"## {title}\n\n" + "\n".join(lines) for title, lines in sections.items())]
    return "\n\n".join(parts) + "\n"


def _sizes(prompts: pl.DataFrame) -> Iterator[str]:
    counts = {(task, pair): n for task, pair, n in prompts.group_by("task", "pair").len().iter_rows()}
    there = [task for task in Task if any(key[0] == task for key in counts)]
    for task in there:
        sizes = [n for key, n in counts.items() if key[0] == task]
        yield f"- {TASKS[task]}: {sum(sizes):,} prompts in {len(sizes)} subsets"
    yield ""
    named = [pair for pair in pairs(Task.P2P) if any((task, str(pair)) in counts for task in there)]
    yield from table(
        ["subset", *(TASKS[task] for task in there)],
        [[str(pair), *(_count(counts.get((task, str(pair)))) for task in there)] for pair in named],
    )


def _written(prompts: pl.DataFrame) -> Iterator[str]:
    counts = (
        prompts.group_by("task", "annotator", "route").agg(pl.len(), copies=pl.col("parent").count()).sort("task", "annotator", "route")
    )
    heads = ("task", "annotator", "route", "prompts", "with a parent")
    yield from table(
        heads,
        [
            [TASKS[Task(task)], code(annotator), route, _count(n), _count(copies)]
            for task, annotator, route, n, copies in counts.iter_rows()
        ],
        names=3,
    )


def _pictures(sources: pl.DataFrame | None) -> Iterable[str]:
    if sources is None or not sources.height:
        return ["None."]
    return _tallied(sources, ("origin", "licence"), "pictures")


def credited(found: Sequence[Credit]) -> Iterable[str]:
    """A table of licences and origins."""
    if not found:
        return ["No counts of the annotation were given: what the prompts were written from is not known here."]
    rows = [[one.of, prose(one.licence), prose(one.origin), _count(one.entries), _count(one.prompts)] for one in found]
    return ["Counted over the prompts of both splits.", "", *table(["of", "licence", "origin", "used", "prompts"], rows, names=3)]


def _checks(told: Described) -> Iterator[str]:
    if told.rejected is None and told.left_out is None:
        yield "No table of rejected drafts was given: what was checked is not known here."
    if told.rejected is not None:
        yield f"Rejected drafts: {told.rejected.height:,}."
        yield ""
        yield from _tallied(told.rejected.with_columns(pl.col("task", "check").cast(pl.String)), ("task", "check"), "rejected")
    if told.left_out is not None:
        yield f"Imported rows without a prompt: {told.left_out.height:,}."
        yield ""
        yield from _tallied(told.left_out, ("reason",), "rows") if told.left_out.height else ()


def _limits(prompts: pl.DataFrame) -> Iterator[str]:
    copies, children = prompts.filter(pl.col("route") == "copy").height, prompts["parent"].count()
    yield f"Prompts with a parent: {children:,} of {prompts.height:,}; of these, verbatim copies: {copies:,}. Subsets share prompts."
    people = prompts.filter(pl.col("annotator") == "published: Human").height
    yield f"{people:,} prompts are marked as written by people; a template or a model wrote the others, or a data set's text was taken as it is."
    yield from ALWAYS


def _examples(prompts: pl.DataFrame) -> Iterator[str]:
    """The first prompt of each task that is not meant to provoke."""
    mild = prompts.filter(~pl.col("pair").cast(pl.String).str.contains(Dimension.TOXICITY.value))
    for row in mild.unique("task", keep="first", maintain_order=True).iter_rows(named=True):
        yield f"- {TASKS[Task(row['task'])]}, {row['pair']}: {code(row['prompt'])}"


def _tallied(rows: pl.DataFrame, by: Sequence[str], counted: str) -> Iterator[str]:
    counts = rows.group_by(by).len().sort("len", *by, descending=[True, *[False] * len(by)])
    yield from table([*by, counted], [[*map(prose, names), _count(n)] for *names, n in counts.iter_rows()], names=len(by))


def _count(n: int | None) -> str:
    return "" if n is None else f"{n:,}"
