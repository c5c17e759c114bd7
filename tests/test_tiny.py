"""Tiny world: rendering, language and ground truth."""

from dataclasses import replace

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyworld import evaluate
from tinyworld.cases import about_subject, case_of, photo, picture, shown_case, some_case
from tinyworld.instructions import some_instruction
from tinyworld.language import Request, imagine, plain, recall, some_request
from tinyworld.render import SIDE, cells, draw, worn
from tinyworld.scene import KINDS, PLACES, ROLES, STYLES, Scene, Thing, arrange, person
from tinyworld.truth import marks, truth
from tinyworld.words import MAX_TOKENS, tokenizer
from trig.vocabulary.dimensions import Dimension

SEEDS = st.integers(0, 2**32 - 1)
ALIGNED = (Dimension.CONTENT, Dimension.RELATION, Dimension.KNOWLEDGE)


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_shows_in_every_style(style: str, kind: str) -> None:
    thing = person(rng_of(0), ROLES[0], 1) if kind == "person" else Thing(kind, "red")
    far = draw(Scene(style, "meadow", (replace(thing, x=5.0),)))
    near = draw(Scene(style, "meadow", (thing,)))
    assert near.shape == (SIDE, SIDE, 3)
    assert (np.abs(near.astype(int) - far).max(-1) > 25).mean() > 0.03


def test_styles_and_places_differ_at_a_glance() -> None:
    pictures = [draw(Scene(style, place, (Thing("ball", "red"),))).astype(int) for style in STYLES for place in PLACES]
    gaps = [np.abs(one - other).mean() for at, one in enumerate(pictures) for other in pictures[:at]]
    assert min(gaps) > 3


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_a_prompt_fits_the_painter_and_has_no_unknown_word(seed: int) -> None:
    rng = rng_of(seed)
    words = tokenizer(begin=False)
    about = tuple(Dimension(each) for each in rng.choice(list(Dimension), 2, replace=False))
    for prompt in (some_request(rng, about).text, some_instruction(rng, about).text, about_subject(rng, photo(rng).things[0], about).text):
        ids = words(prompt).input_ids
        assert words.unk_token_id not in ids
        assert len(ids) <= MAX_TOKENS


@given(SEEDS)
@settings(max_examples=100, deadline=None)
def test_truth_lies_between_0_and_1(seed: int) -> None:
    case = case_of(rng_of(seed))
    ratings = case.ratings
    assert list(ratings) == list(Dimension)
    assert all(0 <= rating <= 1 for rating in ratings.values())


@given(SEEDS)
@settings(max_examples=100, deadline=None)
def test_a_granted_request_is_rated_well_where_it_was_granted(seed: int) -> None:
    rng = rng_of(seed)
    request = some_request(rng, ALIGNED[:1])
    ratings = truth(request, imagine(rng, request))
    assert ratings[Dimension.CONTENT] == pytest.approx(1)
    assert ratings[Dimension.STYLE] == 1 or not request.style
    assert ratings[Dimension.RELATION] > 0.8 or not request.relation


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_wear_never_helps(seed: int) -> None:
    case = case_of(rng_of(seed))
    clean, damaged = (replace(case, scene=replace(case.scene, wear=wear)).ratings for wear in (0.0, 0.8))
    assert all(damaged[dimension] <= clean[dimension] for dimension in Dimension)


def test_swapping_two_things_turns_the_relation_round() -> None:
    request = Request((plain("ball", "red"), plain("tree", "green")), relation="left")
    things = arrange(rng_of(1), (Thing("ball", "red"), Thing("tree", "green")), "left")
    swapped = (replace(things[0], x=things[1].x), replace(things[1], x=things[0].x))
    good, bad = (truth(request, Scene("photo", "meadow", each))[Dimension.RELATION] for each in (things, swapped))
    assert good > 0.9
    assert bad < 0.1
    assert good + bad == pytest.approx(1)


def test_danger_lowers_safety_and_nothing_else_of_the_picture() -> None:
    request = Request((plain("ball", "red"),))
    safe, armed = (Scene("photo", "meadow", (Thing(kind, "red"),)) for kind in ("ball", "bomb"))
    assert truth(request, safe)[Dimension.TOXICITY] == 1
    assert truth(request, armed)[Dimension.TOXICITY] == 0
    assert truth(request, safe)[Dimension.REALISM] == truth(request, armed)[Dimension.REALISM]


def test_a_stereotype_is_unfair_and_its_opposite_fair() -> None:
    request = Request((plain("ball", "red"),))
    usual = person(rng_of(0), "nurse", 1)
    unusual = replace(usual, skin="dark", hair="short")
    fairness = [truth(request, Scene("photo", "room", (each,)))[Dimension.BIAS] for each in (usual, unusual)]
    assert fairness == [0, 1]


def test_wear_damages_more_the_more_there_is() -> None:
    clean = draw(Scene("photo", "meadow", (Thing("ball", "red"),)))
    errors = [np.abs(worn(clean, wear, rng_of(0)).astype(int) - clean).mean() for wear in (0.0, 0.3, 0.6, 1.0)]
    assert errors == sorted(errors)
    assert errors[0] == 0


def test_cases_are_a_function_of_their_number() -> None:
    one, other = shown_case(3, 5), shown_case(3, 5)
    assert one[0] == other[0]
    assert np.array_equal(one[1], other[1])
    assert shown_case(3, 6)[0] != one[0]


def test_evaluation_cases_spread_over_the_whole_range_of_truth() -> None:
    for dimension in Dimension:
        ratings = [case.ratings[dimension] for case in (some_case(rng_of(seed), (dimension, Dimension.CONTENT)) for seed in range(60))]
        assert np.std(ratings) > 0.12, dimension


def test_agreement_is_1_with_the_truth_itself_and_counts_what_is_missing() -> None:
    asked = evaluate.cases(6)
    perfect: list[float | None] = [case.ratings[dimension] for dimension, case, _ in asked]
    found = evaluate.agreement(asked, perfect, [number % 2 == 1 for number in range(len(asked))])
    assert found["rho"].to_list() == pytest.approx([1.0] * 10)
    found = evaluate.agreement(asked, [None, *perfect[1:]], [False] * len(asked))
    assert found["nulls"].to_list() == [1] + [0] * 9
    assert isinstance(found, pl.DataFrame)


def test_pictures_differ_from_case_to_case() -> None:
    rng = rng_of(2)
    assert len({picture(case_of(rng), rng).tobytes() for _ in range(10)}) == 10


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_marks_on_a_granted_request_find_nothing_wrong(seed: int) -> None:
    rng = rng_of(seed)
    request = some_request(rng, tuple(Dimension(each) for each in rng.choice(list(Dimension), 2, replace=False)))
    assert {note for _, note in marks(request, imagine(rng, request))} <= {"right", "fresh"}


def test_marks_name_what_is_wrong_at_the_words_that_asked_for_it() -> None:
    request = Request((plain("ball", "red"), plain("box", "blue")), "left", "beach", "sketch")
    things = arrange(rng_of(1), (Thing("box", "blue"), Thing("ball", "green")), "left")
    words = [*request.text.split(), "."]
    assert [(words[place], note) for place, note in marks(request, Scene("sketch", "snow", things))] == [
        ("sketch", "right"), ("ball", "colour"), ("box", "right"), ("beach", "not"), (".", "not"),
    ]  # fmt: skip


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_who_recalls_a_scene_well_asks_for_what_is_there(seed: int) -> None:
    rng = rng_of(seed)
    scene = case_of(rng).scene
    request = recall(rng, scene, 0.0)
    words = len(request.text.split())  # the relation of two things of one kind has two readings
    assert {note for place, note in marks(request, scene) if place < words} <= {"right", "fresh"}
    assert len(recall(rng, scene, 0.5).text.split()) <= MAX_TOKENS


def test_cells_say_which_thing_is_in_front() -> None:
    behind, before = Thing("box", "red", 0.3, 0.5, 0.2), Thing("ball", "blue", 0.45, 0.5, 0.2)
    found = cells(Scene("photo", "meadow", (behind, before)), 16)
    assert found[8, 3] == 1 and found[8, 7] == 2 and found[0, 0] == 0
    drawn = draw(Scene("cartoon", "meadow", (behind, before)))[2::4, 2::4].astype(int)
    assert (drawn[found == 2][:, 2] > drawn[found == 2][:, 0]).mean() > 0.9  # blue exceeds red
