"""Inter-map agreement against hand calculations; paired changes against planted ones."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy import stats

from benchmarks import clouds as invented
from trig import tables
from trig.classify.change import Run, changes, rho_change
from trig.classify.compare import MAP, agreement, all_agreements, by_task, differing, follows
from trig.classify.relations import relations
from trig.tables.kinds import TASK
from trig.tables.prompts import PROMPTS
from trig.tables.relations import RELATIONS
from trig.testing import factories
from trig.vocabulary.dimensions import PAIRS
from trig.vocabulary.relations import Relation

Floats = NDArray[np.float64]
Clouds = Mapping[str, tuple[Floats, Floats]]
THRESHOLDS = factories.thresholds(bootstraps=200, permutations=20)
NAMES = {word[0]: word for word in Relation}
"""Relations by their first letters."""


def mapped(words: str, rhos: Sequence[float | None] = (), leaning: str | None = None) -> pl.DataFrame:
    """Map whose first pairs have these relations, a letter each; `T` is too few."""
    named = [Relation.TOO_FEW if word == "T" else Relation.TILT if word == "t" else NAMES[word] for word in words]
    rows = [
        ("t2i", str(pair), name, pair.x if leaning == "x" else pair.y if leaning == "y" else None, rho)
        for pair, name, rho in zip(PAIRS, named, rhos or [0.1 * place for place in range(len(words))], strict=False)
    ]
    columns = ("task", "pair", "relation", "leaning", "rho")
    return pl.DataFrame(rows, {name: RELATIONS.columns[name] for name in columns}, orient="row")


def test_equal_maps_agree_in_full() -> None:
    one = mapped("ssbtdn")
    found = agreement(one, one)
    assert (found.pairs, found.equal, found.share, found.kappa, found.turned) == (6, 6, 1.0, 1.0, 0)
    assert found.rho == pytest.approx(1.0)
    assert differing(one, one).is_empty()


def test_kappa_equals_a_hand_calculation() -> None:
    found = agreement(mapped("ssbbtn"), mapped("sbbbtt"))
    assert (found.pairs, found.equal) == (6, 4)
    assert found.kappa == pytest.approx((4 / 6 - 10 / 36) / (1 - 10 / 36))  # chance agreement (2·1 + 2·3 + 1·2) / 36
    assert differing(mapped("ssbbtn"), mapped("sbbbtt"))["pair"].to_list() == [str(PAIRS[1]), str(PAIRS[5])]


def test_agreements_of_all_models_are_those_of_each_two() -> None:
    """Also of maps without a common pair, of one that lacks a task, and beside a model that nobody asked about."""
    words = {
        ("c", "t2i"): "ssbtdn",
        ("a", "t2i"): "sTbtdd",
        ("b", "t2i"): "TTT",
        ("other", "t2i"): "ss",
        ("a", "p2p"): "sss",
        ("c", "p2p"): "ssb",
    }
    of = {(model, task): mapped(each).with_columns(task=pl.lit(task, TASK)) for (model, task), each in words.items()}
    of["b", "p2p"] = mapped("TTTsb", [None] * 5).with_columns(task=pl.lit("p2p", TASK))[3:]
    table = pl.concat(frame.with_columns(model=pl.lit(model)) for (model, _), frame in of.items())
    assert all_agreements(table, ["a", "b", "c"]) == [
        {"a": a, "b": b, "task": task, **asdict(agreement(of[a, task], of[b, task]))}
        for a, b in combinations("abc", 2)
        for task in ("t2i", "p2p")
    ]


def test_kappa_is_null_with_a_reason() -> None:
    same = agreement(mapped("sss"), mapped("sss"))
    assert (same.share, same.kappa, same.kappa_reason) == (1.0, None, "every pair is synergy in both maps, so chance agrees as well")
    none = agreement(mapped("TT"), mapped("ss"))
    assert (none.pairs, none.share, none.kappa, none.kappa_reason) == (0, None, None, "no pair has a verdict in both maps")
    assert agreement(mapped("ss"), mapped("bb")).kappa == 0


def test_rho_between_maps_equals_scipys_and_leaves_out_what_is_missing() -> None:
    one, other = [0.1, 0.5, None, 0.3, 0.2, 0.2], [0.3, 0.4, 0.9, 0.1, None, 0.3]
    found = agreement(mapped("ssssss", one), mapped("ssssss", other))
    both = [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b is not None]
    assert found.rhos == 4
    assert found.rho == pytest.approx(stats.spearmanr(*zip(*both, strict=True)).statistic)
    flat = agreement(mapped("sss", [0.2, 0.2, 0.2]), mapped("sss"))
    assert (flat.rho, flat.rho_reason) == (None, "one map has the same rho for every pair")
    assert agreement(mapped("ss"), mapped("ss")).rho_reason == "2 pairs have a rho in both maps; three are needed"


def test_absent_too_few_and_turned_pairs_are_counted() -> None:
    found = agreement(mapped("ssTt", leaning="x"), mapped("sTstd", leaning="y"))
    assert (found.pairs, found.too_few, found.only_a, found.only_b) == (2, 2, 0, 1)
    assert (found.equal, found.turned) == (2, 1 + 1)
    told = differing(mapped("ssTt", leaning="x"), mapped("sTstd", leaning="y"))
    assert told["stability_a"].null_count() == told.height == 4


def test_the_agreement_of_each_task_is_that_of_its_rows() -> None:
    one, other = ([mapped(words), mapped(later).with_columns(task=pl.lit("p2p", TASK))] for words, later in (("ssb", "dd"), ("sbb", "dd")))
    found = by_task(pl.concat(one), pl.concat([*other, mapped("s").with_columns(task=pl.lit("s2p", TASK))]))
    assert found == {"t2i": agreement(one[0], other[0]), "p2p": agreement(one[1], other[1])}
    assert [found[task].share for task in found] == [2 / 3, 1.0]


def scores(clouds: Clouds) -> pl.DataFrame:
    """Scores of a cloud per pair; NaN is a missing score."""
    return pl.concat(factories.cloud(np.stack(cloud, axis=1).tolist(), pair) for pair, cloud in clouds.items())


def test_a_map_follows_from_its_scores_and_from_no_others() -> None:
    draw = np.random.default_rng(11)
    one, other = ({"IQ-R_TA-S": (draw.random(20), draw.random(20))} for _ in "ab")
    found = relations(scores(one), factories.thresholds(bootstraps=0))
    assert follows(found, scores(one), "expected")
    assert not follows(found, scores(other), "expected")
    assert not follows(found, scores({**one, "IQ-R_TA-C": other["IQ-R_TA-S"]}), "expected")
    assert not follows(found.clear(), scores(one), "expected")


def test_a_map_from_before_a_column_was_there_is_compared() -> None:
    draw = np.random.default_rng(12)
    found = relations(scores({"IQ-R_TA-S": (draw.random(20), draw.random(20))}), THRESHOLDS)
    older = tables.check(found.drop("noise"), MAP, "relations at v1")
    assert older.equals(tables.check(found, MAP, "relations"))
    assert agreement(older, found).share == 1


def run(clouds: Clouds, copies: int = 1) -> Run:
    """Run of these clouds; every `copies` consecutive samples share a root prompt."""
    ids = [(pair, f"{pair}_{n}") for pair, (x, _) in clouds.items() for n in range(1, len(x) + 1)]
    parents = [f"{pair}_{(int(name.rpartition('_')[2]) - 1) // copies * copies + 1}" for pair, name in ids]
    prompts = pl.DataFrame(
        {"task": "t2i", "pair": pair, "data_id": name, "split": "test", "key": name, "parent": None if parent == name else parent}
        for (pair, name), parent in zip(ids, parents, strict=True)
    )
    return Run(scores(clouds), prompts.cast({name: PROMPTS.columns[name] for name in prompts.columns}))


def anew(draw: np.random.Generator, quality: Floats, shift: float = 0.0, together: float = 1.0) -> tuple[Floats, Floats]:
    """Scores of pictures with these qualities, with independent noise."""
    x, y = (np.clip(0.6 + 0.15 * quality * side + draw.normal(0, 0.1, quality.size), 0, 1) for side in (1.0, together))
    return np.clip(x + shift, 0, 1), y


def two_runs(seed: int, n: int = 60, shifted: Sequence[str] = (), turned: Sequence[str] = ()) -> tuple[Clouds, Clouds]:
    draw = np.random.default_rng(seed)
    before, after = {}, {}
    for pair in map(str, PAIRS):
        quality = draw.normal(0, 1, n)
        before[pair] = anew(draw, quality)
        after[pair] = anew(draw, quality, 0.1 if pair in shifted else 0.0, -1.0 if pair in turned else 1.0)
    return before, after


def share(frame: pl.DataFrame, condition: pl.Expr) -> float:
    return frame.filter(condition).height / frame.height


def test_equal_runs_show_no_change() -> None:
    before, _ = two_runs(1)
    found = changes(run(before), run(before), THRESHOLDS)
    assert found.height == 45
    assert set(found["change"]) == {"not shown"} and (found["differ"] == 0).all()
    assert (found.select("x_p", "y_p", "rho_p").to_numpy() == 1).all()
    assert (found.select("x", "x_low", "rho", "rho_high").to_numpy() == 0).all()


def test_what_was_planted_is_found_and_nothing_else() -> None:
    shifted, turned = [str(pair) for pair in PAIRS[:4]], [str(pair) for pair in PAIRS[4:7]]
    before, after = two_runs(2, shifted=shifted, turned=turned)
    found = changes(run(before), run(after), THRESHOLDS)
    changed = found.filter(pl.col("change") == "changed")
    assert {*shifted, *turned} <= set(changed["pair"])
    assert changed.height <= 7 + 2
    moved = found.filter(pl.col("pair").is_in(shifted))
    assert (moved["x_q"] <= THRESHOLDS.fdr).all() and moved["x"].to_numpy() == pytest.approx(0.1, abs=0.06)
    assert ((moved["x_low"] < 0.1) & (moved["x_high"] > 0.03)).all()
    crossed = found.filter(pl.col("pair").is_in(turned))
    assert (crossed["rho_q"] <= THRESHOLDS.fdr).all() and (crossed["rho_high"] < -0.5).all()


def test_runs_that_differ_by_noise_only_raise_few_alarms() -> None:
    frames = [changes(run(before), run(after), THRESHOLDS) for before, after in (two_runs(seed, 30) for seed in range(10, 20))]
    found = pl.concat(frames)
    assert share(found, pl.col("change") == "changed") <= 0.05
    for name in ("x", "y", "rho"):
        assert share(found, pl.col(f"{name}_p") <= 0.05) <= 0.08
    for name in ("x", "rho"):
        assert share(found, (pl.col(f"{name}_low") <= 0) & (pl.col(f"{name}_high") >= 0)) >= 0.9


def test_the_other_direction_mirrors_and_the_order_of_rows_does_not_matter() -> None:
    before, after = two_runs(3, 25, shifted=["IQ-R_TA-S"])
    there, back = changes(run(before), run(after), THRESHOLDS), changes(run(after), run(before), THRESHOLDS)
    assert there.select("x", "y", "rho").to_numpy() == pytest.approx(-back.select("x", "y", "rho").to_numpy())
    assert there.select("x_high", "rho_high").to_numpy() == pytest.approx(-back.select("x_low", "rho_low").to_numpy())
    assert there.select("x_p", "rho_p", "differ", "change").equals(back.select("x_p", "rho_p", "differ", "change"))
    one, other = run(before), run(after)
    mixed = Run(one.scores.sample(fraction=1, shuffle=True, seed=1), one.prompts.reverse())
    assert changes(mixed, other, THRESHOLDS).equals(there)


def test_a_tilt_that_turns_round_is_another_verdict() -> None:
    """Reflects every point at the regression line: means and rho stay, the tilt leans to the other dimension."""
    draw = np.random.default_rng(8)
    x, y = invented.tilt(draw, 200)
    slope, intercept = np.polyfit(x, y, 1)
    mirrored = 2 * (slope * x + intercept) - y
    row = changes(run({"IQ-R_TA-S": (x, y)}), run({"IQ-R_TA-S": (x, mirrored)}), THRESHOLDS).row(0, named=True)
    assert (row["relation_a"], row["relation_b"]) == ("tilt", "tilt")
    assert (row["leaning_a"], row["leaning_b"]) == ("TA-S", "IQ-R")
    assert row["differ"] > 0.9


def test_the_change_of_rho_follows_its_resamples() -> None:
    draw = np.random.default_rng(5)
    a, b = np.tanh(draw.normal(0.2, 0.1, 4000)), np.tanh(draw.normal(0.6, 0.1, 4000))
    found = rho_change((np.tanh(0.2), np.tanh(0.6)), (a, b), 1000)
    assert found.p == pytest.approx(2 * stats.norm.sf(0.4 / np.hypot(0.1, 0.1)), rel=0.3)
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(b - a, [0.025, 0.975])))
    assert rho_change((float("nan"), 0.5), (a, b), 1000) == (None, None, None, None)


def test_copies_of_prompts_are_resampled_together() -> None:
    draw = np.random.default_rng(6)
    before, after = (anew(draw, draw.normal(0, 1, 20)) for _ in "ab")

    def compared(times: int, copies: int) -> dict[str, Any]:
        one, other = (run({"IQ-R_TA-S": (np.repeat(x, times), np.repeat(y, times))}, copies) for x, y in (before, after))
        return changes(one, other, THRESHOLDS).row(0, named=True)

    single, copied, fooled = compared(1, 1), compared(8, 8), compared(8, 1)
    assert (single["clusters"], copied["clusters"], copied["n"], fooled["clusters"]) == (20, 20, 160, 160)
    assert copied["x_p"] == pytest.approx(single["x_p"]) and fooled["x_p"] < copied["x_p"]
    width = [row["rho_high"] - row["rho_low"] for row in (single, copied, fooled)]
    assert width[1] == pytest.approx(width[0], rel=0.25) and width[2] < 0.6 * width[0]


def test_nulls_and_other_prompts_are_left_out_and_counted() -> None:
    before, _ = two_runs(7, 20)
    one = {"IQ-R_TA-S": before["IQ-R_TA-S"]}
    holed = {"IQ-R_TA-S": (np.where(np.arange(20) < 3, np.nan, one["IQ-R_TA-S"][0]), one["IQ-R_TA-S"][1])}
    rewritten = run(holed)
    other = pl.when(pl.col("data_id").is_in(["IQ-R_TA-S_20", "IQ-R_TA-S_19"])).then(pl.lit("rewritten")).otherwise(pl.col("key"))
    later = Run(rewritten.scores.filter(pl.col("data_id") != "IQ-R_TA-S_18"), rewritten.prompts.with_columns(key=other))
    row = changes(run(one), later, THRESHOLDS).row(0, named=True)
    assert (row["n"], row["nulls"], row["unpaired"], row["change"]) == (14, 3, 3, "not shown")


@pytest.mark.parametrize("n", [0, 9])
def test_too_few_samples_are_not_tested(n: int) -> None:
    before, after = two_runs(8, 9)
    one, other = ({"IQ-R_TA-S": clouds["IQ-R_TA-S"]} for clouds in (before, after))
    if not n:
        other = {"IQ-R_TA-S": (np.full(9, np.nan), other["IQ-R_TA-S"][1])}
    row = changes(run(one), run(other), THRESHOLDS).row(0, named=True)
    assert (row["n"], row["relation_a"], row["change"], row["x_p"], row["differ"]) == (n, "too few", None, None, None)


def test_without_bootstraps_the_means_are_tested_alone() -> None:
    before, after = two_runs(9, 30, shifted=["IQ-R_TA-S"])
    found = changes(run(before), run(after), factories.thresholds(bootstraps=0))
    assert found["rho_p"].null_count() == found["differ"].null_count() == 45
    assert found.filter(pl.col("pair") == "IQ-R_TA-S")["change"].item() == "changed"
