"""Expectation suite of the relations table."""

from collections.abc import Mapping

import polars as pl

from trig.gates import expect
from trig.vocabulary.relations import Relation

LABEL = ("model", "task", "pair")
CORRELATIONS = ("rho", "rho_low", "rho_high", *(f"{gap}_gap_{end}" for gap in ("mean", "median") for end in ("low", "high")))
SHARES = (
    *("density_synergy", "density_bottleneck", "mean_x", "mean_y", "median_x", "median_y", "off_mass", "noise"),
    *(f"{name}_{end}" for name in ("density_synergy", "density_bottleneck", "mean_x", "mean_y") for end in ("low", "high")),
    *("p_value", "tilt_p", "tilt_q", "conflict_p", "conflict_q", "stability", "runner_up_share"),
)
INTERVALS = ("rho", "density_synergy", "density_bottleneck", "mean_x", "mean_y", "mean_gap", "median_gap")
TESTS = ("tilt", "conflict")
COUNTS = ("n", "nulls", "clusters", "n_synergy", "n_bottleneck", "n_tradeoff", "n_above", "n_below")


def views(prompts: Mapping[str, pl.DataFrame], relations: pl.DataFrame, min_relations: int) -> list[expect.View]:
    """Views of all models' relations, over the subsets with test prompts. `prompts`: those that each model paints."""
    texts = relations.with_columns(pl.col(pl.Enum).cast(pl.String))
    asked = pl.concat([_subsets(model, own) for model, own in prompts.items()])
    subsets = asked.select("task", "pair").unique(maintain_order=True)
    return [
        expect.View("relations", _rows(texts), LABEL, _of_a_relation(subsets)),
        expect.View("subsets", _counts(texts, asked), LABEL, _of_a_subset()),
        expect.View("models", _models(texts), ("model",), _of_a_model(min_relations)),
    ]


def _subsets(model: str, prompts: pl.DataFrame) -> pl.DataFrame:
    test = prompts.filter(pl.col("split") == "test")
    return test.select(pl.lit(model).alias("model"), pl.col("task", "pair").cast(pl.String)).unique(maintain_order=True)


def _of_a_relation(subsets: pl.DataFrame) -> Mapping[str, expect.Check]:
    return {
        **{f"{column} is in [-1, 1]": expect.between(column, -1, 1) for column in CORRELATIONS},
        **{f"{column} is in [0, 1]": expect.share(column) for column in SHARES},
        "every relation belongs to a subset with test prompts": expect.subset(subsets),
        f"every relation is one of {', '.join(Relation)}": expect.among("relation", list(Relation)),
        **{f"{column} is no less than 0": expect.between(column, 0, None) for column in COUNTS},
        "the points of the three regions are all points": expect.equal("in_regions", "n"),
        "no more points lie off the line than are in the trade-off region": expect.no_more("off_the_line", "n_tradeoff"),
        **{f"the interval of {name} has its ends in order": expect.no_more(f"{name}_low", f"{name}_high") for name in INTERVALS},
        **{f"{test}_q is no smaller than {test}_p": expect.no_more(f"{test}_p", f"{test}_q_rounded") for test in TESTS},
        "no more prompts than samples": expect.no_more("clusters", "n"),
        "a tilt, and nothing else, leans to a dimension of its pair": expect.holds("leaning_fits"),
        "the favoured dimension has the higher mean of the pair": expect.holds("favoured_fits"),
        "a dispersion with an interval of rho, and nothing else, is of a kind": expect.holds("kind_fits"),
        "there is evidence exactly where there is a stability": expect.equal("has_evidence", "has_stability"),
        "the runner-up is another relation, and no likelier than a supported one": expect.holds("runner_up_fits"),
    }


def _of_a_subset() -> Mapping[str, expect.Check]:
    return {"every model has exactly one relation for each subset with test prompts": expect.among("rows", [1])}


def _of_a_model(min_relations: int) -> Mapping[str, expect.Check]:
    return {f"the map of every model has at least {min_relations} different relations": expect.between("kinds", min_relations, None)}


def _rows(relations: pl.DataFrame) -> pl.DataFrame:
    """One flat row per relation, with derived columns to validate."""
    tilts = pl.col("relation") == Relation.TILT
    codes = pl.col("pair").str.split("_")
    of_pair = pl.col("leaning").is_in(codes).fill_null(False)
    higher = codes.list.get((pl.col("mean_y") > pl.col("mean_x")).cast(pl.Int64))
    of_a_kind = (pl.col("relation") == Relation.DISPERSION) & pl.col("rho_low").is_not_null() & pl.col("stability").is_not_null()
    other = (pl.col("runner_up") != pl.col("relation")) & (pl.col("runner_up_share") + pl.col("stability") <= 1 + expect.ROUNDING)
    likely = (pl.col("evidence") != "supported") | (pl.col("runner_up_share") <= pl.col("stability"))
    return relations.with_columns(
        expect.SUBSET,
        in_regions=pl.sum_horizontal("n_synergy", "n_bottleneck", "n_tradeoff"),
        off_the_line=pl.sum_horizontal("n_above", "n_below"),
        leaning_fits=pl.when(tilts).then(of_pair).otherwise(pl.col("leaning").is_null()),
        favoured_fits=pl.col("favoured").is_null() | (pl.col("favoured") == higher).fill_null(False),
        kind_fits=pl.col("kind").is_not_null() == of_a_kind,
        has_evidence=pl.col("evidence").is_not_null(),
        has_stability=pl.col("stability").is_not_null(),
        runner_up_fits=pl.col("runner_up").is_null() | (other & likely.fill_null(True)).fill_null(False),
        **{f"{test}_q_rounded": pl.col(f"{test}_q") + expect.ROUNDING for test in TESTS},
    )


def _counts(relations: pl.DataFrame, asked: pl.DataFrame) -> pl.DataFrame:
    """Rows per model and subset with test prompts."""
    counts = relations.group_by(LABEL).agg(rows=pl.len())
    return asked.join(counts, on=LABEL, how="left", maintain_order="left").with_columns(pl.col("rows").fill_null(0))


def _models(relations: pl.DataFrame) -> pl.DataFrame:
    """Number of distinct relations per model, without *too few*."""
    shown = pl.col("relation").filter(pl.col("relation") != Relation.TOO_FEW)
    return relations.group_by("model").agg(kinds=shown.n_unique()).sort("model")
