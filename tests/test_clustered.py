"""Cluster-robust means, against scipy and the cluster bootstrap."""

import numpy as np
import pytest
from scipy import stats

from trig.stats.clustered import clustered_mean


def test_the_mean_is_tested_by_a_t_test_and_copies_add_nothing() -> None:
    values = np.random.default_rng(4).normal(0.03, 0.1, 40)
    found, plain = clustered_mean(values, np.arange(40)), stats.ttest_1samp(values, 0)
    assert found.p == pytest.approx(plain.pvalue)
    assert (found.low, found.high) == pytest.approx(tuple(plain.confidence_interval()))
    assert clustered_mean(np.repeat(values, 5), np.repeat(np.arange(40), 5)) == pytest.approx(found)


def test_one_root_has_a_mean_and_no_interval() -> None:
    values = np.array([0.25, 0.75])
    assert clustered_mean(values, np.zeros(2, np.int64)) == (0.5, None, None, None)


def test_values_that_are_all_alike_leave_no_doubt() -> None:
    assert clustered_mean(np.zeros(3), np.arange(3)) == (0.0, 0.0, 0.0, 1.0)
    assert clustered_mean(np.ones(3), np.arange(3)) == (1.0, 1.0, 1.0, 0.0)


def test_roots_of_unequal_size_have_the_spread_of_resampled_roots() -> None:
    draw = np.random.default_rng(5)
    groups = np.repeat(np.arange(200), draw.integers(1, 9, 200))
    values = draw.normal(0, 1, 200)[groups] + draw.normal(0, 0.5, groups.size)
    sums, sizes = np.bincount(groups, values), np.bincount(groups)
    drawn = draw.integers(0, 200, (4000, 200))
    spread = (sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)).std()
    found = clustered_mean(values, groups)
    assert found.high is not None and found.low is not None
    assert (found.high - found.low) / 2 == pytest.approx(stats.t.ppf(0.975, 199) * spread, rel=0.05)
