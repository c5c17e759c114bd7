"""What the relations table must be like before it is drawn."""

from collections.abc import Mapping

import polars as pl

from trig.dimensions import Relation
from trig.gates import expect

LABEL = ("model", "task", "pair")
CORRELATIONS = ("rho", "rho_low", "rho_high")
SHARES = ("density_synergy", "density_bottleneck", "p_value", "stability", "mean_x", "mean_y", "median_x", "median_y")


def views(prompts: pl.DataFrame, relations: pl.DataFrame, min_relations: int) -> list[expect.View]:
    """What is expected of the relations of every model, over the subsets that have test prompts."""
    texts = relations.with_columns(pl.col("task", "pair", "relation", "leaning").cast(pl.String))
    subsets = prompts.filter(pl.col("split") == "test").select(pl.col("task", "pair").cast(pl.String)).unique(maintain_order=True)
    asked = texts.select("model").unique(maintain_order=True).join(subsets, how="cross")
    return [
        expect.View("relations", _rows(texts, asked), LABEL, _of_a_relation()),
        expect.View("subsets", _counts(texts, asked), LABEL, _of_a_subset()),
        expect.View("models", _models(texts), ("model",), _of_a_model(min_relations)),
    ]


def _of_a_relation() -> Mapping[str, expect.Check]:
    return {
        **{f"{column} is in [-1, 1]": expect.between(column, -1, 1) for column in CORRELATIONS},
        **{f"{column} is in [0, 1]": expect.share(column) for column in SHARES},
        "every relation belongs to a subset with test prompts": expect.holds("asked"),
        f"every relation is one of {', '.join(Relation)}": expect.among("relation", list(Relation)),
        "no count is negative": expect.between("smallest_count", 0, None),
        "the points of the three regions are all points": expect.equal("in_regions", "n"),
        "no more points lie off the line than are in the trade-off region": expect.no_more("off_the_line", "n_tradeoff"),
        "a tilt, and nothing else, leans to a dimension of its pair": expect.holds("leaning_fits"),
    }


def _of_a_subset() -> Mapping[str, expect.Check]:
    return {"every model has exactly one relation for each subset with test prompts": expect.among("rows", [1])}


def _of_a_model(min_relations: int) -> Mapping[str, expect.Check]:
    return {f"the map of every model has at least {min_relations} different relations": expect.between("kinds", min_relations, None)}


def _rows(relations: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """One flat row per relation, with what the expectations compare."""
    tilts = pl.col("relation") == Relation.TILT
    of_pair = pl.col("leaning").is_in(pl.col("pair").str.split("_")).fill_null(False)
    return relations.join(asked.with_columns(asked=True), on=LABEL, how="left", maintain_order="left").with_columns(
        pl.col("asked").fill_null(False),
        in_regions=pl.sum_horizontal("n_synergy", "n_bottleneck", "n_tradeoff"),
        off_the_line=pl.sum_horizontal("n_above", "n_below"),
        smallest_count=pl.min_horizontal("n", "nulls", "n_synergy", "n_bottleneck", "n_tradeoff", "n_above", "n_below"),
        leaning_fits=pl.when(tilts).then(of_pair).otherwise(pl.col("leaning").is_null()),
    )


def _counts(relations: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """How many rows each model has for each subset with test prompts."""
    counts = relations.group_by(LABEL).agg(rows=pl.len())
    return asked.join(counts, on=LABEL, how="left", maintain_order="left").with_columns(pl.col("rows").fill_null(0))


def _models(relations: pl.DataFrame) -> pl.DataFrame:
    """How many different relations each model shows; too few points show none."""
    shown = pl.col("relation").filter(pl.col("relation") != Relation.TOO_FEW)
    return relations.group_by("model").agg(kinds=shown.n_unique()).sort("model")
