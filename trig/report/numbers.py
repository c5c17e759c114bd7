"""The numbers and sentences of the report: means with intervals, changes of a tuned model, verdicts in words."""

from collections.abc import Mapping

import polars as pl

from trig import tables
from trig.dimensions import Kind, Pair
from trig.report.contents import Tuning

SAMPLE = ("task", "pair", "data_id", "dimension")
KINDS: Mapping[str, str] = {
    Kind.CONFLICT: "A conflict: one falls as the other rises.",
    Kind.INDEPENDENT: "No trade-off: the scores may be independent.",
    Kind.LOOSE: "No trade-off: the scores rise together, if loosely.",
}
CORRELATIONS: Mapping[str, str] = {"spearman": "Spearman's rho", "pearson": "Pearson's r", "kendall": "Kendall's tau"}
HALF_WIDTH = 1.96
"""Standard errors on each side of a mean: a 95 % interval, for many samples."""


def means(scores: pl.DataFrame, column: str) -> pl.DataFrame:
    """Mean per model and dimension with a 95 % interval. A picture that stands in several pairs counts once."""
    return _with_interval(tables.distinct(scores).group_by("model", "dimension"), column).sort("model", "dimension")


def changes(scores: pl.DataFrame, tuning: Tuning, column: str) -> pl.DataFrame:
    """What tuning changed, on samples that both models have a score for: each dimension over all pairs, and each trained pair by itself.

    `change` is after minus before with the 95 % interval of the paired difference, null where one sample gives none. `pair` is null for the
    rows over all pairs, in which a picture that stands in several pairs counts once.
    """
    before, after = (scores.filter(pl.col("model") == model).select(*SAMPLE, column, "key") for model in (tuning.base, tuning.tuned))
    both = before.join(after, on=SAMPLE, suffix="_after").drop_nulls(column).drop_nulls(f"{column}_after")
    both = both.rename({column: "before", f"{column}_after": "after"}).with_columns(
        change=pl.col("after") - pl.col("before"), pair=pl.col("pair").cast(pl.String)
    )
    trained = both.filter(pl.col("pair").is_in(tuning.pairs))
    whole = both.unique(["key", "key_after"], keep="first", maintain_order=True).with_columns(pair=pl.lit(None, dtype=pl.String))
    side = [pl.col("before").sort().mean(), pl.col("after").sort().mean()]
    return _with_interval(pl.concat([trained, whole]).group_by("pair", "dimension"), "change", *side).sort(
        "pair", "dimension", nulls_last=True
    )


def _with_interval(groups: "pl.dataframe.group_by.GroupBy", column: str, *more: pl.Expr) -> pl.DataFrame:
    values = pl.col(column).sort()  # sorted, so that a sum does not depend on the order of rows
    half = HALF_WIDTH * values.std() / values.count().sqrt()
    found = groups.agg(*more, mean=values.mean(), half=half, n=values.count(), nulls=pl.col(column).null_count())
    return found.with_columns(low=pl.col("mean") - pl.col("half"), high=pl.col("mean") + pl.col("half")).drop("half")


def segment(row: Mapping[str, float | None]) -> list[float] | None:
    """The part of a pair's regression line inside the unit square, as x1, y1, x2, y2; None where there is none."""
    slope, intercept = row["slope"], row["intercept"]
    if slope is None or intercept is None:
        return None
    ends = [0.0, 1.0]
    if slope:
        ends = sorted(max(0.0, min(1.0, (edge - intercept) / slope)) for edge in (0.0, 1.0))
    if ends[0] == ends[1]:
        return None
    return [round(value, 5) for x in ends for value in (x, slope * x + intercept)]


def verdict(row: Mapping[str, object], thresholds: Mapping[str, object]) -> list[str]:
    """The relation of a pair in words, then why, in short sentences."""
    return [_relation(row), *_evidence(row), *_counts(row), _line(row, thresholds), _means(row), *_doubt(row, thresholds)]


def _relation(row: Mapping[str, object]) -> str:
    name = str(row["relation"])
    if name == "tilt":
        pair = Pair.parse(str(row["pair"]))
        other = pair.x if row["leaning"] == pair.y else pair.y
        return f"Tilt towards {row['leaning']}, away from {other}."
    return {"none": "No relation: none of the four rules holds.", "too few": "Too few samples for a verdict."}.get(
        name, f"{name.capitalize()}."
    )


def _counts(row: Mapping[str, object]) -> list[str]:
    share = {side: f" ({row[f'density_{side}']:.0%})" if row["n"] else "" for side in ("synergy", "bottleneck")}
    inside = f"{row['n_synergy']} in R_S{share['synergy']}, {row['n_bottleneck']} in R_B{share['bottleneck']}, {row['n_tradeoff']} in R_T"
    left_out = [f"{row['nulls']} left out: a score is missing."] if row["nulls"] else []
    return [f"{row['n']} samples: {inside}.", *left_out]


def _line(row: Mapping[str, object], thresholds: Mapping[str, object]) -> str:
    if row["slope"] is None:
        return "No regression line: too few points in R_T, or one value for all."
    above, below = int(str(row["n_above"])), int(str(row["n_below"]))
    ratio = f"{max(above, below) / min(above, below):.2f}" if min(above, below) else "none"
    return f"N_a = {above} above the line, N_b = {below} below: ratio {ratio}, limit {thresholds['tilt_ratio']}."


def _evidence(row: Mapping[str, object]) -> list[str]:
    """How far to believe the relation, of what kind a dispersion is, and what else it might have been."""
    if row["evidence"] is None:
        return []
    said = [f"{str(row['evidence']).capitalize()} by the evidence.", f"{row['stability']:.0%} of bootstrap samples give the same verdict."]
    if row["kind"] is not None:
        said.insert(0, KINDS[str(row["kind"])])
    if row["runner_up"] is not None:
        said.append(f"Runner-up: {row['runner_up']}, {row['runner_up_share']:.0%}.")
    return said


def _means(row: Mapping[str, object]) -> str:
    if not row["n"]:
        return "No sample has both scores."
    means = f"Means {row['mean_x']:.2f} and {row['mean_y']:.2f}, medians {row['median_x']:.2f} and {row['median_y']:.2f}"
    return f"{means}; {row['favoured']} is favoured." if row["favoured"] is not None else f"{means}."


def _doubt(row: Mapping[str, object], thresholds: Mapping[str, object]) -> list[str]:
    name = CORRELATIONS[str(thresholds["correlation"])]
    rho = "No rho: one side is constant." if row["rho"] is None else f"{name} {row['rho']:.2f}{_interval(row)}."
    return [rho] if row["off_mass"] is None else [rho, f"Mean off-grade mass of the judge: {row['off_mass']:.1%}."]


def _interval(row: Mapping[str, object]) -> str:
    return "" if row["rho_low"] is None else f" ({row['rho_low']:.2f} to {row['rho_high']:.2f})"
