"""What prompting changes on test prompts, beside its control."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from trig.errors import TrigError
from trig.stats import paired

SAMPLE = ("task", "pair", "data_id", "number")
TARGETED, ALL = "rewritten pairs", "all pairs"
"""Scopes: those with a recipe that was learnt, also for the control of the same base; and every pair."""
Card = Mapping[str, Any]


def cards(zoo: Path, roster: Sequence[str]) -> dict[str, Card]:
    """Cards of the prompted models of the roster, from the records in data/zoo. Raises TrigError where one cannot be read."""
    found = {}
    for model in roster:
        file = zoo / f"{model}.json"
        try:
            record = json.loads(file.read_text("utf-8"))
        except (OSError, ValueError) as error:
            raise TrigError(f"{file}: cannot be read ({error}); run `dvc repro` to write it anew") from None
        if "prompting" in record:
            found[model] = record["prompting"]
    return found


def outcomes(known: Mapping[str, Card], points: pl.DataFrame, roots: pl.DataFrame) -> list[dict[str, Any]]:
    """Of each prompted model its card, and the changes from its base on test prompts, paired by prompt and seed.

    `points` are those of the roster; `roots` has task, data_id and `root`. A change is that of the mean of a pair's two scores, with its
    cluster-robust 95 % interval over root prompts. The pairs of a control are those that were rewritten for any model of its base.
    """
    rewritten = {(card["base"], row["task"], row["pair"]) for card in known.values() for row in card["pairs"] if row["recipe"] is not None}
    return [_outcome(model, card, _paired(points, card["base"], model, roots), rewritten) for model, card in known.items()]


def _outcome(model: str, card: Card, shared: pl.DataFrame, rewritten: set[tuple[str, str, str]]) -> dict[str, Any]:
    keys = [(task, pair) for base, task, pair in rewritten if base == card["base"]]
    targeted = pl.DataFrame(keys, {"task": pl.String, "pair": pl.String}, orient="row")
    scopes = {TARGETED: shared.join(targeted, on=["task", "pair"], how="semi", maintain_order="left"), ALL: shared}
    told = {name: card[name] for name in ("base", "by", "writer", "flag", "budget", "spent", "painted", "draws", "left_out")}
    return {"model": model, **told, "groups": [_group(name, own) for name, own in scopes.items()], "pairs": list(_pairs(card, shared))}


def _paired(points: pl.DataFrame, base: str, model: str, roots: pl.DataFrame) -> pl.DataFrame:
    """Samples that both models have scores of: means of the pair before and after."""
    mean = ((pl.col("x") + pl.col("y")) / 2).alias("mean")
    rooted = points.with_columns(mean).join(roots, on=["task", "data_id"], how="left", maintain_order="left")
    shared = paired.both(rooted, base, model, SAMPLE, ("mean",)).drop_nulls(["mean", "mean_after"])
    return shared.with_columns(pl.col("task", "pair").cast(pl.String)).sort(SAMPLE)


def _group(scope: str, own: pl.DataFrame) -> dict[str, Any]:
    return {"scope": scope, "pairs": own.select("task", "pair").n_unique() if own.height else 0, **_change(own)}


def _pairs(card: Card, shared: pl.DataFrame) -> Iterator[dict[str, Any]]:
    """What was learnt of each pair on train prompts, and what it changed on test prompts."""
    for row in card["pairs"]:
        yield {**row, **_change(shared.filter(task=row["task"], pair=row["pair"]))}


def _change(own: pl.DataFrame) -> dict[str, Any]:
    if (found := paired.moved(own, "mean")) is None:
        return {"n": 0, **dict.fromkeys(("before", "after", "change", "low", "high"))}
    ends = {"change": found.change.value, "low": found.change.low, "high": found.change.high}
    return {"n": found.n, "before": found.before, "after": found.after, **ends}


def pictures(told: Mapping[str, Any]) -> int:
    """Pictures that a prompted model has cost: those to choose by, and those of test prompts that were not among them."""
    return int(told["spent"] + (0 if told["draws"] else told["painted"]))
