"""Schema of the relations table: verdict and evidence per pair."""

import polars as pl

from trig.tables import Table
from trig.tables.kinds import DIMENSION, EVIDENCE, KIND, PAIR, RELATION, TASK

INTERVALS = ("rho", "density_synergy", "density_bottleneck", "mean_x", "mean_y", "mean_gap", "median_gap")
"""Statistics with a 95 % bootstrap interval, `<name>_low` and `<name>_high`; a gap is x - y."""
RELATIONS = Table(
    "relations",
    {
        "model": pl.String,
        "task": TASK,
        "pair": PAIR,
        "n": pl.Int64,  # sample size: pictures scored on both dimensions
        "nulls": pl.Int64,  # samples dropped because a score is missing
        "clusters": pl.Int64,  # root prompts (clusters) of these n samples, each with its copies, edits and seeds
        "off_mass": pl.Float64,  # mean probability outside all grades
        "noise": pl.Float64,  # root mean square standard error of sampled answers; null without any
        "rho": pl.Float64,  # correlation coefficient `thresholds.correlation` names; null when either side is constant
        "p_value": pl.Float64,  # of rho, two-sided, assuming independent prompts
        "n_synergy": pl.Int64,  # points in R_S
        "n_bottleneck": pl.Int64,  # points in R_B
        "n_tradeoff": pl.Int64,  # points in R_T
        "density_synergy": pl.Float64,  # D_s
        "density_bottleneck": pl.Float64,  # D_b
        "n_above": pl.Int64,  # N_a: points of R_T strictly above the regression line
        "n_below": pl.Int64,  # N_b: strictly below
        "slope": pl.Float64,  # ordinary least squares y = slope·x + intercept over R_T
        "intercept": pl.Float64,
        "mean_x": pl.Float64,
        "mean_y": pl.Float64,
        "median_x": pl.Float64,
        "median_y": pl.Float64,
        "relation": RELATION,
        "leaning": DIMENSION,  # favoured dimension of a tilt
        "favoured": DIMENSION,  # dimension with the higher mean; null when the interval of the gap holds 0
        "kind": KIND,  # of a dispersion
        "evidence": EVIDENCE,  # null without bootstrap
        "stability": pl.Float64,  # share of bootstrap resamples with the same relation
        "runner_up": RELATION,  # most frequent other relation; null when there is none
        "runner_up_share": pl.Float64,
        "tilt_p": pl.Float64,  # p-value of a tilt: the larger of sign test and permutation test
        "tilt_q": pl.Float64,  # Benjamini-Hochberg q-value over all rows
        "conflict_p": pl.Float64,  # one-sided p-value of H0: rho ≥ 0
        "conflict_q": pl.Float64,
        **{f"{name}_{end}": pl.Float64 for name in INTERVALS for end in ("low", "high")},
    },
    ("model", "task", "pair"),
    frozenset(
        "off_mass noise rho p_value density_synergy density_bottleneck slope intercept mean_x mean_y median_x median_y leaning favoured kind"
        " evidence stability runner_up runner_up_share tilt_p tilt_q conflict_p conflict_q".split()
    )
    | {f"{name}_{end}" for name in INTERVALS for end in ("low", "high")},
)
