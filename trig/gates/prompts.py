"""Expectation suite of the prompts table."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from hashlib import blake2b

import polars as pl

from trig.gates import expect
from trig.keys import prompt_key
from trig.text import tokens
from trig.vocabulary.dimensions import Pair, Task

LABEL = ("task", "data_id", "split")


def views(
    prompts: pl.DataFrame, subsets: Iterable[tuple[Task, Pair]], per_subset: int, max_tokens: int, reserved: Collection[str] = ()
) -> list[expect.View]:
    """Views of a prompts table with `per_subset` test prompts expected per subset.

    `reserved` are the judge's special tokens: prompts that contain one cannot be scored, and are noted.
    """
    wanted = pl.DataFrame([(task.value, str(pair)) for task, pair in subsets], schema=("task", "pair"), orient="row")
    rows, counts = _rows(prompts, wanted), _counts(prompts, wanted)
    return [
        expect.View("prompts", rows, LABEL, _of_a_prompt(max_tokens), tuple(_unsayable(prompts, reserved))),
        expect.View("subsets", counts, ("task", "pair"), _of_a_subset(per_subset)),
    ]


def _of_a_prompt(max_tokens: int) -> Mapping[str, expect.Check]:
    return {
        "every prompt belongs to a subset that was asked for": expect.holds("wanted"),
        f"every prompt has 1 to {max_tokens} tokens": expect.between("tokens", 1, max_tokens),
        "every prompt has one sub-prompt for each of its two dimensions": expect.among("sub_prompts", [2]),
        "a prompt put together from a template contains its sub-prompts": expect.missing("absent"),
        "an editing or subject prompt has its source image": expect.holds("has_image"),
        "no prompt stands twice in its subset and split": expect.unique("task", "pair", "split", "asks"),
        "the test and train splits share no prompt": expect.holds("in_one_split"),
        "the test and train splits share no parent": expect.missing("shared_parent"),
        "every key is that of the prompt and its source image": expect.missing("strange_key"),
    }


def _of_a_subset(per_subset: int) -> Mapping[str, expect.Check]:
    return {f"every subset asked for has exactly {per_subset} test prompts": expect.among("test_prompts", [per_subset])}


def _rows(prompts: pl.DataFrame, wanted: pl.DataFrame) -> pl.DataFrame:
    """One flat row per prompt; `asks` is the normalised generator input."""
    text = _plain(pl.col("prompt"))
    images = pl.Series([blake2b(png, digest_size=8).hexdigest() if png else "" for png in prompts["source_image"]], dtype=pl.String)
    rows = (
        prompts.with_columns(pl.col("task", "pair", "split").cast(pl.String))
        .join(wanted.with_columns(wanted=True), on=["task", "pair"], how="left", maintain_order="left")
        .with_columns(
            pl.col("wanted").fill_null(False),
            tokens=pl.col("prompt").map_elements(tokens, return_dtype=pl.Int64),
            absent=_absent(prompts),
            asks=pl.concat_str(text, images, separator=" "),
            has_image=(pl.col("task") == Task.T2I) | pl.col("source_image").is_not_null(),
            sub_prompts=pl.col("sub_prompts").list.len(),
            strange_key=_strange_key(prompts),
        )
    )
    return rows.with_columns(
        in_one_split=pl.col("split").n_unique().over("task", "asks") == 1,
        shared_parent=pl.when(_parent_in_both(rows)).then(pl.col("parent")),
    ).drop("source_image")


def _unsayable(prompts: pl.DataFrame, reserved: Collection[str]) -> Iterator[str]:
    """Note on prompts that contain special tokens, train prompts included."""
    rows = prompts.select(pl.col("task").cast(pl.String), "data_id", "prompt").iter_rows()
    found = [(task, name, word) for task, name, prompt in rows for word in sorted(reserved) if word in prompt]
    if found:
        count, (task, name, word) = len({row[:2] for row in found}), found[0]
        yield f"prompts with a word that the judge reserves, which will have no score: {count}, {task} {name} first: {word!r}"


def _strange_key(prompts: pl.DataFrame) -> pl.Series:
    """Keys that differ from the hash of task, prompt and source image, else null: they would fetch another cached picture."""
    rows = prompts.select("key", "task", "prompt", "source_image").iter_rows()
    return pl.Series([None if key == prompt_key(*asked) else key for key, *asked in rows], dtype=pl.String)


def _absent(prompts: pl.DataFrame) -> pl.Series:
    """First sub-prompt missing from a template prompt, else null. LLM annotators may rephrase."""
    rows = prompts.select("prompt", "sub_prompts", "annotator").iter_rows()
    return pl.Series(
        [_first_absent(prompt, phrases) if annotator == "template" else None for prompt, phrases, annotator in rows], dtype=pl.String
    )


def _first_absent(prompt: str, phrases: list[str | None]) -> str | None:
    return next((phrase or "" for phrase in phrases if (phrase or "").casefold() not in prompt.casefold()), None)


def _parent_in_both(rows: pl.DataFrame) -> pl.Expr:
    """Train-test leakage: whether the parent of a row is shared with the other split, or is a test prompt itself."""
    test, train = (rows.filter(pl.col("split") == split) for split in ("test", "train"))
    tested = pl.concat([test["parent"].drop_nulls(), test["data_id"].filter(~test["data_id"].is_in(train["data_id"].to_list()))])
    trained = train["parent"].drop_nulls()
    return pl.col("parent").is_in(tested.filter(tested.is_in(trained.to_list())).unique().to_list())


def _plain(text: pl.Expr) -> pl.Expr:
    return text.str.to_lowercase().str.replace_all(r"\s+", " ").str.strip_chars()


def _counts(prompts: pl.DataFrame, wanted: pl.DataFrame) -> pl.DataFrame:
    """Number of test prompts per requested subset."""
    test = prompts.filter(pl.col("split") == "test").select(pl.col("task", "pair").cast(pl.String))
    counts = test.group_by("task", "pair").agg(test_prompts=pl.len())
    return wanted.join(counts, on=["task", "pair"], how="left", maintain_order="left").with_columns(pl.col("test_prompts").fill_null(0))
