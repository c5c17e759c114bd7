"""Fronts: laws of conflicts along a knob, Pareto fronts and hypervolumes; planted families are in the benchmarks."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from polars.testing import assert_frame_equal
from scipy.stats import false_discovery_control, ttest_1samp

from benchmarks import front as planted
from trig.classify.arrays import Floats
from trig.fronts.measure import Fronts, found_conflicts, measure
from trig.fronts.plane import hypervolume, pareto
from trig.params.sweeps import Curve
from trig.tables.kinds import PAIR, TASK
from trig.vocabulary.dimensions import SUBSETS

MODELS = ("knob-1", "knob-2", "knob-4")
CURVE = Curve("knob", "steps", tuple(zip(MODELS, (1.0, 2.0, 4.0), strict=True)))
PAIRS = ("IQ-R_TA-S", "TA-C_TA-S")
Scores = Mapping[str, Floats]
POINTS = arrays(float, (2, 6), elements=st.sampled_from([0.0, 0.2, 0.4, 0.5, 0.9, 1.0]))


def scores(draw: np.random.Generator, n: int = 40) -> Scores:
    """Of each pair the scores, (2, settings, n): the first conflicts along the knob, the second rises on both dimensions."""
    steps, found = np.array([0.0, 0.1, 0.2])[:, None], {}
    for pair, sign in zip(PAIRS, (-1, 1), strict=True):
        own = draw.uniform(0.4, 0.6, (2, 1, n)) + draw.normal(0, 0.03, (2, 3, n))
        found[pair] = own + np.stack([steps, sign * steps])
    return found


def points(of: Scores) -> pl.DataFrame:
    frames = []
    for pair, (x, y) in of.items():
        n = x.shape[1]
        named = {"model": np.repeat(MODELS, n), "data_id": np.tile([f"{pair}_{place}" for place in range(n)], len(MODELS))}
        frame = pl.DataFrame({**named, "x": x.ravel(), "y": y.ravel()}).with_columns(pl.col("x", "y").fill_nan(None))
        frames.append(frame.with_columns(task=pl.lit("t2i", TASK), pair=pl.lit(pair, PAIR), number=pl.lit(0, pl.Int32)))
    return pl.concat(frames)


def roots(frame: pl.DataFrame, of: int = 1) -> pl.DataFrame:
    """Cluster labels: `of` prompts in turn have one root."""
    return frame.select("task", "data_id").unique(maintain_order=True).with_row_index("root").with_columns(pl.col("root") // of)


def measured(of: Scores, copies: int = 1) -> Fronts:
    frame = points(of)
    return measure(frame, roots(frame, copies), MODELS, [CURVE])


def row(found: Fronts, pair: str = PAIRS[0]) -> dict[str, Any]:
    return found.conflicts.row(by_predicate=pl.col("pair") == pair, named=True)


SCORES = scores(np.random.default_rng(0))
FOUND = measured(SCORES)


def test_a_conflict_is_named_with_its_direction_and_its_size() -> None:
    (conflict,) = found_conflicts(FOUND.conflicts, 0.05, 10).to_dicts()
    assert (conflict["pair"], conflict["rises"], conflict["falls"]) == (PAIRS[0], "IQ-R", "TA-S")
    assert (conflict["change_x"], conflict["change_y"]) == (pytest.approx(0.2, abs=0.03), pytest.approx(-0.2, abs=0.03))
    assert conflict["change_x_low"] < conflict["change_x"] < conflict["change_x_high"]
    assert (conflict["n"], conflict["nulls"], conflict["clusters"]) == (40, 0, 40)


def test_p_is_the_larger_of_two_t_tests_and_q_is_scipys() -> None:
    ends = SCORES[PAIRS[0]][:, 2] - SCORES[PAIRS[0]][:, 0]  # of three settings, the slope is that between the first and the last
    assert row(FOUND)["p"] == pytest.approx(max(ttest_1samp(side, 0).pvalue for side in ends))
    assert row(FOUND, PAIRS[1])["p"] == 1
    assert FOUND.conflicts["q"].to_numpy() == pytest.approx(false_discovery_control(FOUND.conflicts["p"].to_numpy()))


def test_means_are_those_of_the_samples() -> None:
    for model, x in zip(MODELS, SCORES[PAIRS[1]][0], strict=True):
        setting = FOUND.settings.row(by_predicate=(pl.col("model") == model) & (pl.col("pair") == PAIRS[1]), named=True)
        assert setting["x"] == pytest.approx(x.mean())
        assert setting["x_low"] == pytest.approx(x.mean() - 2.0227 * x.std(ddof=1) / np.sqrt(40), abs=1e-5)
        assert setting["front"] == (model == MODELS[-1])
    assert FOUND.settings.filter(pl.col("pair") == PAIRS[0])["front"].all()


def test_neither_the_order_of_rows_nor_of_models_decides_anything() -> None:
    frame = points(SCORES)
    again = measure(
        frame.sample(fraction=1, shuffle=True, seed=1), roots(frame).sample(fraction=1, shuffle=True, seed=2), MODELS[::-1], [CURVE]
    )
    for one, other in zip(FOUND, again, strict=True):
        assert_frame_equal(one, other, check_exact=True)


def test_a_knob_turned_the_other_way_rises_where_it_fell() -> None:
    back = row(measured({pair: own[:, ::-1] for pair, own in SCORES.items()}))
    there = row(FOUND)
    assert (back["trend_x"], back["trend_y"], back["p"]) == pytest.approx((-there["trend_x"], -there["trend_y"], there["p"]))


def test_swapped_dimensions_keep_the_conflict() -> None:
    swapped, there = row(measured({pair: own[::-1] for pair, own in SCORES.items()})), row(FOUND)
    assert (swapped["p"], swapped["q"]) == (there["p"], there["q"])
    assert (swapped["change_x"], swapped["change_y"]) == (there["change_y"], there["change_x"])


def test_a_knob_that_moves_nothing_finds_nothing() -> None:
    still = measured({pair: np.repeat(own[:, :1], 3, axis=1) for pair, own in SCORES.items()})
    assert found_conflicts(still.conflicts, 0.05, 1).is_empty()
    assert still.conflicts.select("trend_x", "trend_y", "change_x", "p").unique().rows() == [(0.0, 0.0, 0.0, 1.0)]


def test_copies_of_a_prompt_are_no_more_evidence() -> None:
    copies = measured({pair: np.repeat(own, 5, axis=2) for pair, own in SCORES.items()}, copies=5)
    assert copies.conflicts["clusters"].to_list() == [40, 40]
    assert copies.conflicts["p"].to_list() == pytest.approx(FOUND.conflicts["p"].to_list())
    assert copies.areas["area_low"].to_list() == pytest.approx(FOUND.areas["area_low"].to_list())


def test_a_sample_with_a_missing_score_is_left_out_and_counted() -> None:
    holed = {pair: own.copy() for pair, own in SCORES.items()}
    holed[PAIRS[0]][1, 2, :4] = np.nan
    found, whole = measured(holed), {pair: own[..., 4:] for pair, own in SCORES.items()}
    assert (row(found)["n"], row(found)["nulls"]) == (36, 4)
    assert row(found)["p"] == pytest.approx(row(measured(whole))["p"])


def test_one_prompt_has_no_test() -> None:
    alone = measured({pair: own[..., :1] for pair, own in SCORES.items()})
    assert (row(alone)["p"], row(alone)["q"], row(alone)["change_x_low"]) == (None, None, None)
    assert found_conflicts(alone.conflicts, 0.5, 1).is_empty()


def test_without_a_curve_there_are_fronts_and_no_conflicts() -> None:
    frame = points(SCORES)
    found = measure(frame, roots(frame), MODELS, [])
    assert found.conflicts.is_empty()
    assert found.areas["curve"].to_list() == [None, None]
    assert_frame_equal(found.settings, FOUND.settings)


def test_the_hypervolume_of_the_curve_holds_its_estimate_and_is_at_most_that_of_all() -> None:
    for pair in PAIRS:
        everything, curve = FOUND.areas.filter(pl.col("pair") == pair).sort("curve").to_dicts()
        assert everything["curve"] is None and curve["area"] == pytest.approx(everything["area"])
        assert curve["area_low"] < curve["area"] < curve["area_high"]


@given(POINTS)
def test_a_front_is_what_no_point_dominates(at: Floats) -> None:
    x, y = at
    on = pareto(x, y)
    for place in range(x.size):
        beaten = ((x >= x[place]) & (y >= y[place]) & ((x > x[place]) | (y > y[place]))).any()
        assert on[place] == (not beaten)
    assert hypervolume(x[on], y[on]) == pytest.approx(hypervolume(x, y))


@given(POINTS)
def test_the_hypervolume_is_the_dominated_share_of_a_grid(at: Floats) -> None:
    x, y = at
    middles = (np.arange(10) + 0.5) / 10
    below = (middles[:, None, None] < x) & (middles[None, :, None] < y)
    assert hypervolume(x, y) == pytest.approx(below.any(axis=2).mean())


@given(POINTS)
def test_nested_fronts_have_nested_areas(at: Floats) -> None:
    x, y = at
    areas = [float(hypervolume(x[:n], y[:n])) for n in range(1, 7)]
    assert (np.diff(areas) >= -1e-12).all()
    assert hypervolume(0.9 * x, y) == pytest.approx(0.9 * areas[-1])
    assert hypervolume(np.append(x, np.nan), np.append(y, 1.0)) == pytest.approx(areas[-1])


def test_a_planted_family_shows_its_conflicts_and_no_others() -> None:
    kinds = [list(planted.KINDS)[place % len(planted.KINDS)] for place in range(len(SUBSETS))]
    frame, clusters = planted.family(kinds, np.random.default_rng(5))
    named = found_conflicts(measure(frame, clusters, planted.CURVE.models, [planted.CURVE]).conflicts, 0.05, 10)
    right = {(task.value, str(pair)) for (task, pair), kind in zip(SUBSETS, kinds, strict=True) if kind == "conflict"}
    there = set(named.select("task", "pair").rows())
    assert len(there & right) >= 0.9 * len(right)
    assert len(there - right) <= 0.05 * (len(kinds) - len(right))
