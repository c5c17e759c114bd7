"""Changes for the worse: what is planted fails, what is not there passes, and the family is the one that was asked about."""

from collections.abc import Sequence

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from scipy import stats

from trig.classify.change import Run
from trig.classify.worse import DROPS, Asked, drops
from trig.errors import ParamsError, TableError
from trig.stats.fdr import q_values
from trig.tables.prompts import PROMPTS
from trig.testing import factories

Floats = NDArray[np.float64]
PROMPT_COUNT = 100
NOISE = 0.07
"""Standard deviation of a score's noise: differences of a pair have 0.1, the median of the dimensions between two tiny models."""
OF = {f"TA-C_{other}": other for other in ("TA-R", "TA-S", "D-K", "D-A")}
THRESHOLDS = factories.thresholds(bootstraps=0)


def sides(draw: np.random.Generator, drop: float, n: int, pairs: Sequence[str]) -> tuple[Run, Run]:
    """Two runs of the same prompts with independent noise; content is `drop` lower in the second."""
    before, after = {}, {}
    for pair in pairs:
        quality = 0.5 + 0.1 * draw.normal(0, 1, (n, 2))
        before[pair], after[pair] = (quality + draw.normal(0, NOISE, (n, 2)) - [lower, 0] for lower in (0.0, drop))
    return run(before), run(after)


def run(clouds: dict[str, Floats]) -> Run:
    ids = [(pair, f"{pair}_{n}") for pair, cloud in clouds.items() for n in range(1, len(cloud) + 1)]
    prompts = pl.DataFrame(
        {"task": "t2i", "pair": pair, "data_id": name, "split": "test", "key": name, "parent": None} for pair, name in ids
    )
    scores = pl.concat(factories.cloud(cloud.tolist(), pair) for pair, cloud in clouds.items())
    return Run(scores, prompts.cast({name: PROMPTS.columns[name] for name in prompts.columns}))


def failed(drop: float, asked: str, pairs: Sequence[str], times: int) -> float:
    """Share of simulated comparisons that fail."""
    draw = np.random.default_rng(16)
    runs = (sides(draw, drop, PROMPT_COUNT, pairs) for _ in range(times))
    return sum(bool(drops(a, b, Asked.parse(asked), 0.02, THRESHOLDS)["worse"].any()) for a, b in runs) / times


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
    with pytest.raises(TableError, match=r"--fail-on: 'worse:TA-C'.*9 samples.*10 are needed"):
        drops(one, other, Asked.parse("worse:TA-C"), 0.0, THRESHOLDS)
    with pytest.raises(TableError, match="no samples"):
        drops(one, other, Asked.parse("worse:R-B"), 0.0, THRESHOLDS)


@pytest.mark.parametrize("said", ["better", "worse:", "worse:TA-X", "worse:TA-C_TA-C", "worse-TA-C"])
def test_another_question_is_refused(said: str) -> None:
    with pytest.raises(ParamsError):
        Asked.parse(said)
