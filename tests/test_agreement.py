"""Krippendorff's alpha against the textbook's example and against its definition by pairs of ratings."""

from itertools import permutations
from typing import Literal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from trig.stats.agreement import Floats, alpha

N = np.nan
TEXTBOOK = np.array([
    [1, 2, 3, 3, 2, 1, 4, 1, 2, N, N, N],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, N, 3],
    [N, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, N],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, N],
])  # fmt: skip
"""Four observers, twelve units (Krippendorff, Computing Krippendorff's alpha-reliability, 2011, section C)."""
RATINGS = arrays(np.float64, st.tuples(st.integers(1, 4), st.integers(1, 7)), elements=st.sampled_from([1.0, 2.0, 3.0, 5.0, N]))
LEVELS: tuple[Literal["nominal"], Literal["ordinal"]] = ("nominal", "ordinal")


def by_pairs(ratings: Floats, level: str) -> float | None:
    """Alpha from pairs of ratings within units, and from all pairs of pairable ratings."""
    units = [[value for value in unit if value == value] for unit in ratings.T]
    units = [unit for unit in units if len(unit) > 1]
    pooled = [value for unit in units for value in unit]

    def distance(one: float, other: float) -> float:
        if level == "nominal":
            return float(one != other)
        low, high = min(one, other), max(one, other)
        between = sum(low <= value <= high for value in pooled)
        return 0.0 if low == high else (between - (pooled.count(low) + pooled.count(high)) / 2) ** 2

    observed = sum(distance(*pair) / (len(unit) - 1) for unit in units for pair in permutations(unit, 2))
    expected = sum(distance(*pair) for pair in permutations(pooled, 2))
    return 1 - observed * (len(pooled) - 1) / expected if expected else None


def test_the_textbooks_example() -> None:
    assert alpha(TEXTBOOK, "nominal") == pytest.approx(0.743, abs=5e-4)
    assert alpha(TEXTBOOK, "ordinal") == pytest.approx(0.815, abs=5e-4)


@given(RATINGS)
def test_alpha_is_its_definition_and_names_and_orders_do_not_matter(ratings: Floats) -> None:
    for level in LEVELS:
        found, wanted = alpha(ratings, level), by_pairs(ratings, level)
        assert (found is None) == (wanted is None)
        if found is not None:
            assert found == pytest.approx(wanted, abs=1e-9) and found <= 1
            assert alpha(ratings[::-1, ::-1], level) == pytest.approx(found)
            assert alpha(np.exp(ratings), level) == pytest.approx(found)


def test_nothing_to_agree_on_is_no_number() -> None:
    for level in LEVELS:
        assert alpha(np.full((3, 4), 2.0), level) is None
        assert alpha(np.full((3, 4), N), level) is None
        assert alpha(np.array([[1.0, 2.0, 3.0]]), level) is None
        assert alpha(np.zeros((0, 0)), level) is None
        assert alpha(np.array([[1.0, 2.0], [1.0, 2.0]]), level) == 1
        assert (alpha(np.array([[1.0, 2.0], [2.0, 1.0]]), level) or 0) < 0
