"""Laws of paired changes."""

from random import Random

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trig.stats import paired

ON = ("task", "data_id", "number")


def samples(values: list[tuple[float | None, float | None]]) -> pl.DataFrame:
    """Scores of models a and b; a null is a sample that the model lacks. Two samples have one root."""
    rows = [
        {"model": model, "task": "t2i", "data_id": f"p{at}", "number": 0, "root": at // 2, "key": f"k{at}", "score": value}
        for at, sides in enumerate(values)
        for model, value in zip("ab", sides, strict=True)
        if value is not None
    ]
    kinds = dict.fromkeys(("model", "task", "data_id", "key"), pl.String) | {"number": pl.Int32, "root": pl.Int64, "score": pl.Float64}
    return pl.DataFrame(rows, kinds)


def change(frame: pl.DataFrame, base: str = "a", other: str = "b") -> paired.Moved | None:
    return paired.moved(paired.both(frame, base, other, ON, ("key", "score")).sort(ON), "score")


score = st.floats(0, 1).map(lambda value: round(value, 3))
sides = st.lists(st.tuples(score, score), min_size=1, max_size=30)


@given(sides)
def test_the_way_back_is_the_change_reversed(values: list[tuple[float, float]]) -> None:
    there, back = change(samples(list(values))), change(samples(list(values)), "b", "a")
    assert there and back and there.n == back.n == len(values)
    assert (there.before, there.after) == (back.after, back.before)
    assert there.change.value is not None and back.change.value == pytest.approx(-there.change.value)
    assert there.change.p == pytest.approx(back.change.p)
    differences = [after - before for before, after in values]
    assert there.change.value == pytest.approx(np.mean(differences), abs=1e-12)


@given(sides, st.randoms())
def test_the_order_of_rows_changes_nothing(values: list[tuple[float, float]], chance: Random) -> None:
    frame = samples(list(values))
    order = list(range(frame.height))
    chance.shuffle(order)
    assert change(frame[order]) == change(frame)


def test_a_sample_that_one_model_lacks_has_no_part() -> None:
    whole, lacking = samples([(0.1, 0.3), (0.5, 0.4)]), samples([(0.1, 0.3), (0.5, 0.4), (0.9, None), (None, 0.0)])
    assert change(whole) == change(lacking)
    assert change(samples([(0.1, None)])) is None


def test_a_picture_of_several_samples_counts_once() -> None:
    frame = samples([(0.1, 0.3), (0.1, 0.3), (0.5, 0.4)]).with_columns(key=pl.col("key").replace("k1", "k0"))
    shared = paired.both(frame, "a", "b", ON, ("key", "score"))
    assert shared.height == 3 and paired.once(shared)["data_id"].to_list() == ["p0", "p2"]
    other_seed = shared.with_columns(number=pl.when(pl.col("data_id") == "p1").then(1).otherwise("number"))
    assert paired.once(other_seed).height == 3
