"""Tiny world: instructions, pictures of a subject, and their ground truth."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tinyworld import evaluate
from tinyworld.cases import Case, case_of, misremembered, shown_case, some_case
from tinyworld.edited import edited, kept, noted, stayed
from tinyworld.instructions import Clause, Instruction, carry_out, fulfil, some_instruction
from tinyworld.language import Want, plain
from tinyworld.scene import Scene, Thing, arrange
from tinyworld.truth import match
from tinyworld.words import MAX_TOKENS, tokenizer
from trig.vocabulary.dimensions import Dimension, Task

SEEDS = st.integers(0, 2**32 - 1)
EDITS = (Task.P2P, Task.S2P)
SOURCE = Scene("cartoon", "beach", arrange(np.random.default_rng(0), (Thing("car", "red"), Thing("tree", "green")), "left"))


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def content(instruction: Instruction, scene: Scene) -> float:
    return Case(instruction, scene, (), instruction.source).ratings[Dimension.CONTENT]


@given(SEEDS, st.sampled_from(EDITS))
@settings(max_examples=100, deadline=None)
def test_truth_lies_between_0_and_1(seed: int, task: Task) -> None:
    rng = rng_of(seed)
    case = case_of(rng, task=task)
    assert case.task is task and len(case.scenes) == 2
    for each in (case, misremembered(case, rng)):
        assert list(each.ratings) == list(Dimension)
        assert all(0 <= rating <= 1 for rating in each.ratings.values())
        assert all(0 <= place <= len(each.request.text.split()) for place, _ in each.marks)


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_an_instruction_fits_the_painter_and_has_no_unknown_word(seed: int) -> None:
    rng, words = rng_of(seed), tokenizer(begin=False)
    for task in EDITS:
        ids = words(case_of(rng, task=task).request.text).input_ids
        assert words.unk_token_id not in ids
        assert len(ids) <= MAX_TOKENS + 1


@pytest.mark.parametrize("task", EDITS)
def test_evaluation_cases_spread_over_the_whole_range_of_truth(task: Task) -> None:
    for dimension in Dimension:
        other = Dimension.CONTENT if dimension is not Dimension.CONTENT else Dimension.STYLE
        ratings = [some_case(rng_of(seed), (dimension, other), task).ratings[dimension] for seed in range(60)]
        assert np.std(ratings) > 0.12, dimension


def test_an_edit_is_good_when_it_was_made_and_the_rest_stayed() -> None:
    instruction = Instruction(SOURCE, (Clause("replace", want=plain("box", "blue"), old=0),))
    first, second = SOURCE.things
    made = replace(SOURCE, things=(replace(first, kind="box", colour="blue"), second))
    elsewhere = replace(made, place="night", style="photo")
    assert instruction.text == "replace the red car with a blue box"
    assert content(instruction, made) == pytest.approx(1)
    assert 0.4 < content(instruction, elsewhere) < 0.8
    assert content(instruction, SOURCE) < 0.05


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_what_was_carried_out_is_better_than_what_was_not(seed: int) -> None:
    rng = rng_of(seed)
    instruction = some_instruction(rng, (Dimension.KNOWLEDGE, Dimension.TOXICITY))
    done, undone = fulfil(rng, instruction), carry_out(rng, instruction, 0.0)
    assert undone == instruction.source
    assert content(instruction, done) > content(instruction, undone) or content(instruction, undone) > 0.3


@given(SEEDS)
@settings(max_examples=60, deadline=None)
def test_what_is_fulfilled_keeps_all_else(seed: int) -> None:
    rng = rng_of(seed)
    instruction = some_instruction(rng, tuple(Dimension(each) for each in rng.choice(list(Dimension), 2, replace=False)))
    scene = fulfil(rng, instruction)
    matched = match(instruction.request, scene)
    if len(instruction.wants) > 3:
        assert len(scene.things) == 3
        return
    assert len(scene.things) == len(instruction.wants)
    assert kept(instruction, matched, scene) == 1 or any(clause.verb == "suffix" for clause in instruction.clauses)
    if len(instruction.source.things) == 2 and not any(clause.relation for clause in instruction.clauses):
        assert edited(instruction, scene)[Dimension.RELATION] > 0.7


@pytest.mark.parametrize(("relation", "most"), [("left", 0.03), ("above", 0.2)])
def test_what_is_added_joins_in_place(relation: str, most: float) -> None:
    """Two in a row stay exactly as they are; one thing or a column move a little, and nothing covers another."""
    for seed in range(20):
        rng = rng_of(seed)
        pair = arrange(rng, SOURCE.things, relation)
        for stay, far in ((pair, most), (arrange(rng, SOURCE.things[:1], ""), 0.4)):
            *kept, new = fulfil(rng, Instruction(replace(SOURCE, things=stay), (Clause("add", want=plain("cup", "blue")),))).things
            assert new.kind == "cup"
            assert all(abs(one.x - other.x) + abs(one.y - other.y) < far for one, other in zip(stay, kept, strict=True))
            assert all(np.hypot(each.x - new.x, each.y - new.y) > 0.9 * (each.radius + new.radius) for each in kept)


def test_a_subject_in_another_colour_is_worse_than_in_its_own() -> None:
    case = next(
        case for number in range(99) if not (case := shown_case(5, number, Task.S2P)[0]).request.text.count(case.scenes[0].things[0].colour)
    )
    this = case.scenes[0].things[0]
    own, other = (
        replace(case, scene=Scene("photo", "room", (replace(this, colour=colour),)))
        for colour in (this.colour, "red" if this.colour != "red" else "blue")
    )
    assert own.ratings[Dimension.CONTENT] > other.ratings[Dimension.CONTENT]


def test_labels_stand_at_the_words_of_each_clause() -> None:
    clauses = (
        Clause("add", want=Want("something round", ("ball", "ring")), old=0, relation="above"),
        Clause("style", "sketch"),
        Clause("place", "night"),
    )
    instruction = Instruction(SOURCE, clauses)
    things = arrange(rng_of(1), (Thing("ring", "blue"), Thing("car", "red"), Thing("tree", "green")), "above")
    words = [*instruction.text.split(), "."]
    assert instruction.text == "add something round above the red car and make it a pencil sketch and put it at night"
    assert [(words[place], label) for place, label in noted(instruction, Scene("sketch", "beach", things))] == [
        ("round", "fresh"), ("car", "right"), ("sketch", "right"), ("night", "not"), (".", "right"),
    ]  # fmt: skip


def test_what_became_of_a_source_is_told_in_reading_order() -> None:
    first, second = SOURCE.things
    after = Scene("cartoon", "snow", (replace(second, colour="blue"),))
    assert stayed(SOURCE, after) == [["not"], ["colour"], ["cartoon", "fresh"]]
    assert stayed(replace(SOURCE, things=(first,)), SOURCE) == [["right"], ["fresh"], ["cartoon", "beach"]]


def test_the_blind_control_shows_the_picture_of_another_case_of_the_dimension() -> None:
    asked = evaluate.cases(4, Task.P2P)
    other = evaluate.shuffled(asked)
    assert sorted(other) == list(range(40))
    assert all(place != at and asked[place][0] is asked[at][0] for at, place in enumerate(other))
