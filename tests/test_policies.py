"""Policies of lessons: right answers by hand, and laws on random score tables."""

from collections.abc import Sequence
from functools import cache
from math import atan2, degrees
from pathlib import Path
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from judgements import PAIR, Row, asked, cloud, scored

from trig import params
from trig.finetune import policies
from trig.finetune.points import Points, points
from trig.finetune.policies import pareto
from trig.finetune.policies.choice import Choice
from trig.params.finetune import GIVES, POLICIES, TAKES, Finetune, Form, GradientName, LossName, PolicyName

NAMED: Sequence[Row] = [
    ("a", 0, 0.9, 0.9), ("a", 1, 0.9, 0.5), ("a", 2, 0.5, 0.92), ("a", 3, 0.3, 0.3), ("a", 4, None, 0.9),
    ("b", 0, 0.6, 0.6), ("b", 1, 0.58, 0.62), ("c", 0, 0.9, 0.9),
]  # fmt: skip
"""a0 dominates a1 and a3, and not a2; b0 and b1 each win on one; c is alone; a4 lacks a score."""
LOSS_OF: dict[Form, LossName | GradientName] = {form: loss for loss, form in reversed(list(TAKES.items()))}


@cache
def shipped() -> Finetune:
    return params.load().tuning("tiny-dtm")[1].differing({"policy": "threshold", "min_gain": 0.05, "guard": None})


def settings(policy: PolicyName, form: Form | None = None, **said: object) -> Finetune:
    whole = {**shipped().model_dump(), "policy": policy, "loss": LOSS_OF[form or GIVES[policy][0]], "min_gain": 0.05, **said}
    return Finetune.model_validate(whole)


def chosen(found: Points, policy: PolicyName, form: Form | None = None, **said: object) -> list[Choice]:
    return policies.load(policy)(found, settings(policy, form, **said))


def names(found: Points, choices: Sequence[Choice]) -> set[tuple[str, ...]]:
    """Choices as names such as a0."""
    rows = found.rows.select("data_id", "number").rows()
    return {tuple(f"{rows[place][0]}{rows[place][1]}" for place in choice.points) for choice in choices}


@pytest.mark.parametrize(
    ("policy", "form", "wanted"),
    [
        ("threshold", "samples", {("a0",), ("a1",), ("a2",), ("b0",), ("b1",), ("c0",)}),
        ("best_of_n", "samples", {("a0",)}),
        ("best_of_n", "labelled samples", {("a0",), ("a3",)}),
        ("best_of_n", "pairs", {("a0", "a3")}),
        ("best_of_n", "lists", {("a0", "a2", "a1", "a3")}),
        ("group", "groups", {("a0", "a2", "a1", "a3")}),
        ("dominance", "pairs", {("a0", "a1"), ("a0", "a3"), ("a1", "a3"), ("a2", "a3")}),
        ("pareto", "pairs", {("a0", "a3"), ("a2", "a3")}),
        ("vote", "pairs", {("a0", "a1"), ("a0", "a3"), ("a1", "a3"), ("a2", "a3")}),
    ],
)
def test_a_policy_gives_what_a_person_would_choose(policy: PolicyName, form: Form, wanted: set[tuple[str, ...]]) -> None:
    found = cloud(NAMED)
    assert names(found, chosen(found, policy, form, keep_above=0.4, max_gap=0.5)) == wanted
    assert found.nulls == 1


def test_bad_pictures_are_those_that_fail_and_are_below_their_prompts_mean() -> None:
    found = cloud([("a", 0, 0.9, 0.9), ("a", 1, 0.2, 0.2), ("a", 2, 0.99, 0.2), ("b", 0, 0.3, 0.3)])
    choices = chosen(found, "threshold", "labelled samples", keep_above=0.4, max_gap=0.5)
    assert [(choice.points, choice.good) for choice in choices] == [
        ((0,), True),
        ((1,), False),
    ]  # a2 fails, above the mean; b0 is its own mean


@pytest.mark.parametrize(("angle", "wanted"), [(30.0, {("a1", "a0")}), (60.0, {("a1", "a0"), ("a2", "a0")})])
def test_a_change_points_toward_the_weak_axis(angle: float, wanted: set[tuple[str, ...]]) -> None:
    """y is weak. a1: +0.3 at -0.1 of x, 18 degrees; a2: +0.3 at +0.4, 53 degrees; a3: x only."""
    found = cloud([("a", 0, 0.5, 0.2), ("a", 1, 0.4, 0.5), ("a", 2, 0.9, 0.5), ("a", 3, 0.99, 0.2)])
    own = chosen(found, "angle", max_angle=angle)
    assert names(found, own) >= wanted
    assert ("a2", "a0") not in names(found, own) or angle == 60.0
    assert all("toward TA-C, the weak one" in choice.reason for choice in own)


def test_the_majority_of_scorers_decides_and_each_by_its_own_scale() -> None:
    rows: list[Row] = [("a", 0, 0.9, 0.9), ("a", 1, 0.1, 0.1)]
    against: list[Row] = [("a", 0, 0.5, 0.5), ("a", 1, 0.56, 0.56)]
    found = cloud(rows, scored(against, "clip"), scored(against, "eye"))
    assert names(found, chosen(found, "dominance")) == {("a0", "a1")}  # by the mean, which the judge's wide scale decides
    assert names(found, chosen(found, "vote")) == {("a1", "a0")}
    assert chosen(cloud(rows, scored(against, "clip")), "vote") == []  # a tie
    assert "2 of 3 scorers for it, 1 against" in chosen(found, "vote")[0].reason


def test_a_candidate_that_one_scorer_left_out_is_not_used() -> None:
    found = cloud([("a", 0, 0.9, 0.9), ("a", 1, 0.1, 0.1)], scored([("a", 0, 0.9, 0.9)], "clip"))
    assert found.rows["number"].to_list() == [0] and found.nulls == 1


def test_a_corrupted_prompt_describes_another_picture_and_no_held_out_one() -> None:
    rows: list[Row] = [(name, number, 0.9, 0.9) for name in "abc" for number in range(2)]
    rows.append(("c", 2, 0.1, 0.1))
    found = cloud(rows)
    choices = chosen(found, "corrupt")
    assert names(found, choices) == {(f"{name}{number}",) for name in "abc" for number in range(2)}
    for choice in choices:
        true = found.rows["prompt"][choice.points[0]]
        own = true.split()[1]
        assert choice.instead != true and own in str(choice.instead)
        assert str(choice.instead) in {f"a {x} ball in place {y}" for x in "abc" for y in "abc" if own in {x, y}}
    taken = frozenset(str(choice.instead) for choice in choices)
    others = chosen(cloud(rows, held_out=taken), "corrupt")
    assert others and not taken & {choice.instead for choice in others}


scores = st.one_of(st.none(), st.sampled_from([0.0, 0.2, 0.25, 0.5, 0.75, 0.8, 1.0]))
tables = st.lists(st.tuples(st.sampled_from("ab"), scores, scores), max_size=12).map(
    lambda rows: [(name, place, x, y) for place, (name, x, y) in enumerate(rows)]
)


@given(rows=tables, policy=st.sampled_from(POLICIES))
def test_no_policy_uses_a_null_and_every_pair_is_of_one_prompt(rows: Sequence[Row], policy: PolicyName) -> None:
    found = cloud(rows)
    assert found.rows.height + found.nulls == len(rows)
    assert found.rows.select("x", "y").null_count().row(0) == (0, 0)
    for form in GIVES[policy]:
        for choice in chosen(found, policy, form):
            assert found.rows["data_id"].gather(list(choice.points)).n_unique() == 1
            assert len(set(choice.points)) == len(choice.points)
            assert len(choice.points) == {"pairs": 2, "lists": 4}.get(form, 1) or (form == "groups" and len(choice.points) > 1)
            assert choice.reason


@given(rows=tables)
def test_laws_of_pairs(rows: Sequence[Row]) -> None:
    found = cloud(rows)
    values = found.scores
    changes = {
        policy: [values[choice.points[0]] - values[choice.points[1]] for choice in chosen(found, policy, "pairs")]
        for policy in POLICIES
        if "pairs" in GIVES[policy]
    }
    assert all(change.min() >= 0 and change.max() >= 0.05 for change in changes["dominance"])
    assert all(change.sum() > 0 and change.max() >= 0.05 for change in changes["best_of_n"])
    assert names(found, chosen(found, "vote")) == names(found, chosen(found, "dominance"))
    if len(values):
        weak = int(values[:, 1].mean() < values[:, 0].mean())
        assert all(degrees(atan2(abs(change[1 - weak]), change[weak])) <= 30 for change in changes["angle"])


@given(rows=tables)
def test_winners_are_dominated_by_none_and_losers_dominate_none(rows: Sequence[Row]) -> None:
    found = cloud(rows)
    values = found.scores
    of = {place: [values[other] for other in group if other != place] for group in found.groups() for place in group}
    for choice in chosen(found, "pareto"):
        winner, loser = choice.points
        assert not any((other >= values[winner]).all() and (other > values[winner]).any() for other in of[winner])
        assert not any((values[loser] >= other).all() and (values[loser] > other).any() for other in of[loser])


def test_fronts_are_peeled() -> None:
    values = np.array([[0.9, 0.1], [0.5, 0.5], [0.4, 0.4], [0.4, 0.4], [0.3, 0.45], [0.1, 0.1]])
    assert pareto.fronts(values).tolist() == [0, 0, 1, 1, 1, 2]
    assert pareto.fronts(np.zeros((0, 2))).tolist() == []


def test_every_policy_is_a_module_of_its_name() -> None:
    folder = Path(policies.__file__).parent
    assert {file.stem for file in folder.glob("*.py")} - {"__init__", "choice"} == set(POLICIES) == GIVES.keys()
    assert {policies.load(name).__module__ for name in POLICIES} == {f"trig.finetune.policies.{name}" for name in POLICIES}
    assert TAKES.keys() == {*get_args(LossName), *get_args(GradientName)} and {form for forms in GIVES.values() for form in forms} == set(
        get_args(Form)
    )


def test_a_preference_is_what_drawing_grades_gives() -> None:
    graded = {0.8: [0.0, 0.25, 0.75], 0.4: [0.5, 0.25, 0.25]}
    rows: list[Row] = [("a", 0, 0.8, 0.8), ("a", 1, 0.4, 0.4)]
    known = points(scored(rows, grades=graded), asked(rows), PAIR)
    both = [np.array([place]) for place in (0, 1)]
    exact = 0.75 * (0.5 + 0.25 + 0.25 / 2) + 0.25 * (0.5 + 0.25 / 2)  # the best grade, then the middle one
    assert known.preference(*both)[0] == pytest.approx(exact)
    assert known.preference(*reversed(both))[0] == pytest.approx(1 - exact)
