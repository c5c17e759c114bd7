"""Evidence: false positive rate, power, and statistics against reference implementations."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import polars as pl
import pytest
from lines import names
from scipy import stats

from benchmarks import clouds
from trig import memory, tables
from trig.classify.arrays import product
from trig.classify.draws import draws, resamples, shuffles
from trig.classify.evidence import balance, conflict_p, sides, tilt_p
from trig.classify.ranks import centred_ranks, correlation, cumulate, medians, sort
from trig.classify.relations import relations
from trig.classify.samples import roots
from trig.classify.stack import Cloud
from trig.errors import ParamsError
from trig.params.thresholds import Correlation, Thresholds
from trig.stats.bootstrap import intervals
from trig.stats.fdr import q_values
from trig.store import Store
from trig.tables.kinds import TASK
from trig.tables.relations import RELATIONS
from trig.testing import factories

FULL = factories.thresholds(bootstraps=200, permutations=100)


def found(make: clouds.Make, count: int, seed: int, thresholds: Thresholds = FULL) -> pl.DataFrame:
    return tables.check(relations(clouds.many(make, count, 300, seed), thresholds), RELATIONS, "relations")


def share(frame: pl.DataFrame, condition: pl.Expr) -> float:
    return frame.filter(condition).height / frame.height


TILT = (pl.col("relation") == "tilt") & (pl.col("evidence") == "supported")
CONFLICT = (pl.col("kind") == "conflict") & (pl.col("evidence") == "supported")
ALONE = (pl.col("tilt_p") <= FULL.fdr) & (pl.col("relation") == "tilt") & (pl.col("stability") >= FULL.supported_stability)


@pytest.mark.parametrize("make", [clouds.uniform, clouds.skewed])
def test_independent_scores_raise_few_alarms(make: clouds.Make) -> None:
    """Also per pair, without correction for multiple testing."""
    frame = found(make, 1000, 1)
    assert share(frame, TILT) <= 0.05
    assert share(frame, CONFLICT) <= 0.05
    assert share(frame, ALONE) <= 0.05
    assert share(frame, pl.col("rho_high") < 0) <= 0.05


def test_skewed_scores_are_tilts_by_the_rule_and_not_by_the_evidence() -> None:
    frame = found(clouds.skewed, 100, 2)
    assert share(frame, pl.col("relation") == "tilt") > 0.9
    assert share(frame, TILT) <= 0.05


@pytest.mark.parametrize("name", ["synergy", "bottleneck", "tilt"])
def test_planted_relations_are_found(name: str) -> None:
    frame = found(getattr(clouds, name), 100, 3)
    assert share(frame, (pl.col("relation") == name) & (pl.col("evidence") == "supported")) >= 0.95


def test_planted_conflicts_are_found() -> None:
    frame = found(clouds.conflict, 100, 4)
    assert share(frame, (pl.col("relation") == "dispersion") & CONFLICT) >= 0.95
    assert share(frame, pl.col("rho").is_between(-0.6, -0.2)) == 1


def test_what_no_threshold_decides_is_found_once_for_all() -> None:
    scores = clouds.many(clouds.uniform, 20, 100, 6)
    one = pl.int_range(pl.len()) == 0
    edited = scores.with_columns(
        expected=pl.when(one).then(0.123).otherwise("expected"), score_trig=pl.when(one).then(0.123).otherwise("score_trig")
    )
    asked = [
        (scores, FULL, 20),
        (scores, FULL, 0),
        (scores, changed(synergy=0.7, rule="reference", permutations=50), 0),
        (edited, FULL, 1),
        (scores, changed(bootstraps=150), 20),
        (scores, changed(correlation="pearson"), 20),
    ]
    with Store.passing() as store:
        for frame, thresholds, fresh in asked:
            calls = Counter[str]()
            assert relations(frame, thresholds, each=partial(noted, calls), store=store).equals(relations(frame, thresholds))
            assert calls == Counter(resample=fresh, weigh=20)


def changed(**values: object) -> Thresholds:
    return FULL.model_copy(update=values)


def noted(calls: Counter[str], call: Callable[..., Any], *columns: Sequence[Any]) -> Iterator[Any]:
    calls[call.__name__] += len(columns[0])
    return map(call, *columns)


def test_more_copies_of_the_same_prompts_are_no_more_evidence() -> None:
    draw = np.random.default_rng(6)
    x, y = clouds.conflict(draw, 60)
    few, many = clouds.scores([(x, y)]), clouds.scores([(np.repeat(x, 10), np.repeat(y, 10))])
    ids = [f"IQ-R_TA-S_{place}" for place in range(1, 601)]
    copies = pl.DataFrame({"task": ["t2i"] * 600, "data_id": ids, "root": [f"root {place // 10:02}" for place in range(600)]})
    copies = copies.cast({"task": TASK})
    one, same, fooled = (relations(*asked).row(0, named=True) for asked in ((few, FULL), (many, FULL, copies), (many, FULL)))
    width = [row["rho_high"] - row["rho_low"] for row in (one, same, fooled)]
    assert (one["clusters"], same["clusters"], fooled["clusters"]) == (60, 60, 600)
    assert width[1] == pytest.approx(width[0], rel=0.25)
    assert width[2] < 0.5 * width[0]
    assert same["conflict_p"] > 10 * fooled["conflict_p"]


def test_roots_are_found_through_chains_and_rings() -> None:
    prompts = (
        factories.run_prompts(4).head(4).with_columns(data_id=pl.Series(["a", "b", "c", "d"]), parent=pl.Series([None, "a", "b", "d"]))
    )
    assert roots(prompts)["root"].to_list() == ["a", "a", "a", "d"]


def test_a_resample_draws_whole_groups() -> None:
    groups = np.array([0, 1, 1, 2, 2, 2])
    drawn = resamples(groups, 400, np.random.default_rng(7))
    assert (drawn[1] == drawn[2]).all() and (drawn[3] == drawn[5]).all()
    assert (drawn[[0, 1, 3]].sum(axis=0) == 3).all()
    assert drawn[0].mean() == pytest.approx(1, abs=0.15)


def test_a_shuffle_moves_whole_groups_among_those_of_their_size() -> None:
    groups = np.array([0, 1, 1, 2, 3, 3, 4])
    for moved in shuffles(groups, 50, np.random.default_rng(8)).T:
        assert sorted(moved) == list(range(7))
        assert set(moved[[0, 3, 6]]) == {0, 3, 6}
        assert [tuple(moved[[1, 2]]), tuple(moved[[4, 5]])] in ([(1, 2), (4, 5)], [(4, 5), (1, 2)])


def test_sides_are_those_the_rule_counts() -> None:
    scores = clouds.many(clouds.tilt, 20, 80, 9)
    for row, (_, cloud) in zip(relations(scores, FULL).iter_rows(named=True), scores.group_by("model", maintain_order=True), strict=True):
        x, y = (cloud.filter(pl.col("dimension") == code)["expected"].to_numpy() for code in ("IQ-R", "TA-S"))
        side = sides(x, y, np.arange(80)[:, None], FULL)
        assert ((side > 0).sum(), (side < 0).sum()) == (row["n_above"], row["n_below"])
        assert balance(side)[0] == pytest.approx((row["n_above"] - row["n_below"]) / (row["n_above"] + row["n_below"]))


def test_no_line_is_no_test_of_a_tilt() -> None:
    high = np.full(30, 0.9)
    assert tilt_p(Cloud(high, high, np.arange(30)), draws(np.arange(30), 1, 20).orders, FULL) is None


def test_the_p_of_a_tilt_is_that_of_a_coin_when_shuffles_are_no_rival() -> None:
    x, y = clouds.tilt(np.random.default_rng(10), 60)
    side = sides(x, y, np.arange(60)[:, None], FULL)[:, 0]
    coin = stats.binomtest(int((side > 0).sum()), int((side != 0).sum())).pvalue
    p = tilt_p(Cloud(x, y, np.arange(60)), draws(np.arange(60), 1, 100).orders, FULL)
    assert p is not None and 0.9 * coin <= p <= 0.01


def test_the_p_of_a_conflict() -> None:
    resampled = np.tanh(np.random.default_rng(11).normal(-0.3, 0.1, 4000))
    assert conflict_p(float(np.tanh(-0.3)), resampled, 1000) == pytest.approx(stats.t.cdf(-3, 998), rel=0.2)
    assert conflict_p(-1.0, np.full(50, -1.0), 50) == 0.0
    assert conflict_p(float("nan"), resampled, 50) is None
    assert conflict_p(-0.2, resampled, 2) is None


def test_intervals_equal_numpys_quantiles_of_what_is_there() -> None:
    drawn = np.random.default_rng(15).random((3, 101))
    drawn[1, ::3], drawn[2] = np.nan, np.nan
    found = intervals(dict(zip("abc", drawn, strict=True)))
    for name, values in zip("ab", drawn, strict=False):
        assert [found[f"{name}_low"], found[f"{name}_high"]] == pytest.approx(np.nanquantile(values, [0.025, 0.975]))
    assert (found["c_low"], found["c_high"]) == (None, None)
    assert intervals({"a": np.array([0.5, np.nan])}) == {"a_low": 0.5, "a_high": 0.5}


def test_q_values_equal_scipys_and_leave_out_what_is_missing() -> None:
    p = np.array([0.01, np.nan, 0.04, 0.03, 0.5])
    q = q_values(p)
    assert np.isnan(q[1])
    assert np.allclose(q[[0, 2, 3, 4]], stats.false_discovery_control(p[[0, 2, 3, 4]]))
    assert np.isnan(q_values(np.full(3, np.nan))).all()


@pytest.mark.parametrize("steps", [3, 10, 10**6])
def test_drawn_ranks_medians_and_correlations_equal_those_of_the_points_written_out(steps: int) -> None:
    draw = np.random.default_rng(12)
    x, y = (np.round(draw.random((4, 25)) * steps) / steps for _ in range(2))
    weights = draw.integers(0, 4, (4, 25, 6)).astype(np.int32)
    weights[0, :, 0] = 0
    weights[1, :, 1] = np.eye(25, dtype=np.int32)[3] * 9
    by_x, by_y = cumulate(sort(x), weights), cumulate(sort(y), weights)
    middle, ranks = medians(by_x), centred_ranks(by_x)
    plain: dict[Correlation, Any] = {"spearman": stats.spearmanr, "pearson": stats.pearsonr, "kendall": stats.kendalltau}
    rho = {kind: correlation(kind, by_x, by_y, (x, y), weights) for kind in plain}
    for cloud in range(4):
        for place in range(6):
            times = weights[cloud, :, place]
            one, other = np.repeat(x[cloud], times), np.repeat(y[cloud], times)
            assert np.array_equal(np.repeat(ranks[cloud, :, place], times), 2 * stats.rankdata(one) - one.size - 1)
            if not one.size:
                assert np.isnan(middle[cloud, place])
                continue
            assert middle[cloud, place] == np.median(one)
            for kind, theirs in plain.items():
                if len(set(one)) < 2 or len(set(other)) < 2:
                    assert np.isnan(rho[kind][cloud, place])
                else:
                    assert rho[kind][cloud, place] == pytest.approx(theirs(one, other).statistic, abs=1e-11)


def test_what_is_steady_what_is_favoured_and_what_is_close() -> None:
    draw = np.random.default_rng(13)
    sure = (draw.uniform(0.9, 1, 60), draw.uniform(0.85, 0.95, 60))
    close = (np.r_[np.full(20, 0.9), draw.uniform(0.55, 0.78, 30)], np.r_[np.full(20, 0.9), draw.uniform(0.2, 0.3, 30)])
    frame = relations(clouds.scores([sure, close, (close[0][:12], close[1][:12])]), FULL)
    one, other, few = frame.iter_rows(named=True)
    assert (one["relation"], one["stability"], one["runner_up"], one["favoured"]) == ("synergy", 1.0, None, "IQ-R")
    assert (other["relation"], other["evidence"]) == ("synergy", "weak")
    assert 0.3 < other["stability"] < 0.8 and 0 < other["runner_up_share"] <= 1 - other["stability"]
    assert few["evidence"] == "weak"  # too few points to be supported


def test_too_few_points_and_no_bootstraps_give_no_evidence() -> None:
    scores = clouds.many(clouds.uniform, 1, 9, 14)
    for thresholds in (FULL, factories.thresholds(bootstraps=0, min_points=3)):
        row = relations(scores, thresholds).row(0, named=True)
        assert all(
            row[name] is None for name in ("evidence", "kind", "stability", "runner_up", "tilt_p", "conflict_q", "rho_low", "favoured")
        )
        assert row["n"] == 9 and row["off_mass"] == pytest.approx(0.01)


@pytest.mark.parametrize("shape", [(1, 9, 300, 436), (3, 2, 40, 7), (1, 300, 300, 500), (2, 1, 300000, 2), (1, 4, 5, 0)])
def test_products_in_pieces_are_the_products(shape: tuple[int, int, int, int]) -> None:
    clouds, k, m, wide = shape
    draw = np.random.default_rng(16)
    a, b = draw.integers(-3, 4, (clouds, k, m)), draw.integers(0, 4, (clouds, m, wide))
    assert np.array_equal(product(a.astype(np.float64), b.astype(np.float64)), a @ b)
    assert np.array_equal(product(a.astype(np.float32), b.astype(np.float32)), a @ b)


def test_medians_are_found_wherever_they_lie() -> None:
    """Draws with medians at the start, in the middle and at the end, between many points and few."""
    draw = np.random.default_rng(17)
    for n in (1, 2, 3, 15, 16, 17, 18, 33, 200):
        x, weights = draw.random((2, n)), draw.integers(0, 3, (2, n, 40)).astype(np.int32)
        weights[0, : n // 2, ::3] = 0
        weights[1, n // 2 :, ::4] = 0
        found = medians(cumulate(sort(x), weights))
        for cloud in range(2):
            for place in range(40):
                values = np.repeat(x[cloud], weights[cloud, :, place])
                assert np.isnan(found[cloud, place]) if not values.size else found[cloud, place] == np.median(values)


def test_resamples_that_do_not_fit_into_memory_are_refused_before_they_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "there", lambda: 10**5)
    with pytest.raises(ParamsError, match=names("params.yaml: thresholds.bootstraps, permutations", "GB")):
        found(clouds.uniform, 2, 0)
