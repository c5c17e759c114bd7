"""Expectation suite of the prompts table."""

from collections.abc import Collection, Iterator, Mapping

import polars as pl

from trig.gates import expect, leaks, slots
from trig.keys import prompt_key
from trig.tables.funnel import Funnel
from trig.text import tokens
from trig.vocabulary.dimensions import Task

LABEL = ("task", "data_id", "split")


def views(
    prompts: pl.DataFrame,
    rejected: pl.DataFrame,
    funnel: Funnel,
    sizes: slots.Sizes,
    max_tokens: int,
    near_duplicate: float,
    reserved: Collection[str] = (),
) -> list[expect.View]:
    """Views of a prompts table with `sizes` slots in each subset and split. An imported benchmark has no train prompts.

    `near_duplicate` is the Jaccard similarity from which two prompts are one. `reserved` are the judge's special tokens: prompts that contain one
    cannot be scored, and are noted, as are exhausted subsets.
    """
    asked = {key: size for key, size in sizes.items() if key[2] == "test" or not funnel.imported}
    subsets = pl.DataFrame(
        [(task.value, str(pair)) for task, pair, _ in sizes], schema={"task": pl.String, "pair": pl.String}, orient="row"
    )
    notes = (*_unsayable(prompts, reserved), *leaks.notes(funnel))
    return [
        expect.View("prompts", _rows(prompts, near_duplicate), LABEL, _of_a_prompt(subsets.unique(maintain_order=True), max_tokens), notes),
        slots.view(prompts, rejected, asked, funnel),
    ]


def _of_a_prompt(subsets: pl.DataFrame, max_tokens: int) -> Mapping[str, expect.Check]:
    return {
        "every prompt belongs to a subset that was asked for": expect.subset(subsets),
        f"every prompt has 1 to {max_tokens} tokens": expect.between("tokens", 1, max_tokens),
        "every prompt has one sub-prompt for each of its two dimensions": expect.among("sub_prompts", [2]),
        "a prompt put together from a template contains its sub-prompts": expect.missing("absent"),
        "an editing prompt has its source image": expect.present("source", ("task", Task.P2P)),
        "a subject prompt has its subject's image": expect.present("source", ("task", Task.S2P)),
        "no prompt stands twice in its subset and split": expect.unique("task", "pair", "split", "asks"),
        "the test and train splits share no ancestor, caption, source picture or near-duplicate": expect.missing("shares"),
        "a copy is its parent word for word": expect.missing("differs"),
        "every key is that of the prompt and its source image": expect.equal("key", "own_key"),
    }


def _rows(prompts: pl.DataFrame, near_duplicate: float) -> pl.DataFrame:
    """One flat row per prompt; `asks` is the normalised generator input."""
    text = _plain(pl.col("prompt"))
    rows = prompts.with_columns(
        pl.col("task", "pair", "split").cast(pl.String),
        tokens=pl.col("prompt").map_elements(tokens, return_dtype=pl.Int64),
        absent=_absent(prompts),
        asks=pl.concat_str(text, pl.col("source").fill_null(""), separator=" "),
        sub_prompts=pl.col("sub_prompts").list.len(),
        own_key=_own_key(prompts),
    )
    told = pl.concat_str("shares", "with", separator=" ")
    shared = leaks.leaks(prompts, near_duplicate).group_by(LABEL).agg(told.first().alias("shares"))
    copies = leaks.changed_copies(prompts).select(*LABEL, "differs")
    return (
        rows.with_columns(expect.SUBSET)
        .join(shared, on=LABEL, how="left", maintain_order="left")
        .join(copies, on=LABEL, how="left", maintain_order="left")
    )


def _unsayable(prompts: pl.DataFrame, reserved: Collection[str]) -> Iterator[str]:
    """Note on prompts that contain special tokens, train prompts included."""
    rows = prompts.select(pl.col("task").cast(pl.String), "data_id", "prompt").iter_rows()
    found = [(task, name, word) for task, name, prompt in rows for word in sorted(reserved) if word in prompt]
    if found:
        count, (task, name, word) = len({row[:2] for row in found}), found[0]
        yield f"prompts with a word that the judge reserves, which will have no score: {count}, {task} {name} first: {word!r}"


def _own_key(prompts: pl.DataFrame) -> pl.Series:
    """Hash of task, prompt and source image; under another key the row would fetch another cached picture."""
    return pl.Series([prompt_key(*asked) for asked in prompts.select("task", "prompt", "source").iter_rows()], dtype=pl.String)


def _absent(prompts: pl.DataFrame) -> pl.Series:
    """First sub-prompt missing from a template prompt, else null. LLM annotators may rephrase."""
    rows = prompts.select("prompt", "sub_prompts", "annotator").iter_rows()
    return pl.Series(
        [_first_absent(prompt, phrases) if annotator == "template" else None for prompt, phrases, annotator in rows], dtype=pl.String
    )


def _first_absent(prompt: str, phrases: list[str | None]) -> str | None:
    return next((phrase or "" for phrase in phrases if (phrase or "").casefold() not in prompt.casefold()), None)


def _plain(text: pl.Expr) -> pl.Expr:
    return text.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()
