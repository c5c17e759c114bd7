"""Changes for the worse: what is planted fails, what is not there passes, and the family is the one that was asked about."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from lines import names
from scipy import stats

from benchmarks.worse import OF, THRESHOLDS, failed, sides
from trig.classify.change import Run
from trig.classify.worse import DROPS, Asked, drops
from trig.errors import ParamsError, TableError
from trig.stats.fdr import q_values


@pytest.mark.parametrize(("asked", "pairs"), [("worse:TA-C_TA-R", ["TA-C_TA-R"]), ("worse:TA-C", ["TA-C_TA-R"]), ("worse:pair", [*OF])])
def test_a_planted_drop_fails_and_none_passes(asked: str, pairs: Sequence[str]) -> None:
    assert failed(0.05, asked, pairs, 100) >= 0.95
    assert failed(0.0, asked, pairs, 200) <= 0.05


def test_a_shown_drop_that_is_small_passes() -> None:
    one, other = sides(np.random.default_rng(3), 0.05, 400, ["TA-C_TA-R"])
    found = {by: drops(one, other, Asked.parse("worse"), by, THRESHOLDS) for by in (0.0, 0.02, 0.1)}
    content = {by: frame.filter(pl.col("dimension") == "TA-C").row(0, named=True) for by, frame in found.items()}
    assert [row["worse"] for row in content.values()] == [True, True, False]
    assert all(row["q"] < 1e-6 and row["change"] == pytest.approx(-0.05, abs=0.02) for row in content.values())
    assert not drops(other, one, Asked.parse("worse"), 0.0, THRESHOLDS)["worse"].any()


def test_the_family_is_what_was_asked_about() -> None:
    one, other = sides(np.random.default_rng(4), 0.05, 30, [*OF])
    rows = {
        asked: drops(one, other, Asked.parse(asked), 0.0, THRESHOLDS) for asked in ("worse", "worse:dimension", "worse:pair", "worse:TA-C")
    }
    assert rows["worse"].equals(rows["worse:dimension"]) and list(rows["worse"].columns) == list(DROPS.columns)
    assert rows["worse"].select("dimension", "n").rows() == [("TA-C", 120), ("TA-R", 30), ("TA-S", 30), ("D-K", 30), ("D-A", 30)]
    assert rows["worse:pair"].height == 8 and rows["worse:TA-C"].height == 1
    for frame in rows.values():
        assert frame["q"].to_numpy() == pytest.approx(q_values(frame["p"].to_numpy()))
    pair = drops(one, other, Asked.parse("worse:TA-C_D-K"), 0.0, THRESHOLDS)
    assert pair.select("pair", "dimension").rows() == [("TA-C_D-K", "TA-C"), ("TA-C_D-K", "D-K")]


def test_the_p_value_is_that_of_the_paired_t_test() -> None:
    one, other = sides(np.random.default_rng(5), 0.02, 50, ["TA-C_TA-R"])
    row = drops(one, other, Asked.parse("worse:TA-C"), 0.0, THRESHOLDS).row(0, named=True)
    before, after = (side.scores.filter(pl.col("dimension") == "TA-C").sort("data_id")["score_trig"].to_numpy() for side in (one, other))
    expected = stats.ttest_rel(after, before)
    assert (row["change"], row["p"]) == (pytest.approx(np.mean(after - before)), pytest.approx(expected.pvalue))


def test_a_picture_of_several_pairs_counts_once() -> None:
    one, other = sides(np.random.default_rng(6), 0.05, 20, ["TA-C_TA-R", "TA-C_TA-S"])
    same = pl.col("key").str.replace("TA-C_TA-S", "TA-C_TA-R")
    before, after = (Run(side.scores, side.prompts.with_columns(key=same)) for side in (one, other))
    assert drops(one, other, Asked.parse("worse:TA-C"), 0.0, THRESHOLDS)["n"].item() == 40
    assert drops(before, after, Asked.parse("worse:TA-C"), 0.0, THRESHOLDS)["n"].item() == 20


def test_what_cannot_be_tested_is_an_error_and_no_pass() -> None:
    one, other = sides(np.random.default_rng(7), 0.5, 9, ["TA-C_TA-R"])
    with pytest.raises(TableError, match=names("--fail-on: 'worse:TA-C'", 9, 10)):
        drops(one, other, Asked.parse("worse:TA-C"), 0.0, THRESHOLDS)
    with pytest.raises(TableError, match=names("--fail-on: 'worse:R-B'", "no samples", 10)):
        drops(one, other, Asked.parse("worse:R-B"), 0.0, THRESHOLDS)


@pytest.mark.parametrize("said", ["better", "worse:", "worse:TA-X", "worse:TA-C_TA-C", "worse-TA-C"])
def test_another_question_is_refused(said: str) -> None:
    with pytest.raises(ParamsError):
        Asked.parse(said)
