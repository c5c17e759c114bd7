"""Vocabulary: ten dimensions, three tasks, 132 subsets of the published sizes."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lines import names

from trig.errors import ParamsError
from trig.vocabulary.about import ABOUT, DimensionClass
from trig.vocabulary.dimensions import PAIRS, SUBSETS, Dimension, Pair, Task, dimension, pairs
from trig.vocabulary.sizes import published_size

dimensions = st.sampled_from(Dimension)


def test_every_dimension_is_told_of() -> None:
    assert list(ABOUT) == list(Dimension)
    assert {about.group for about in ABOUT.values()} == set(DimensionClass)
    assert len({about.name for about in ABOUT.values()}) == 10


def test_a_code_begins_with_its_class() -> None:
    initials = {about.group: code.partition("-")[0] for code, about in ABOUT.items()}
    assert initials == {group: "".join(word[0] for word in group.split()) for group in DimensionClass}


def test_there_are_132_subsets() -> None:
    assert {task: len(pairs(task)) for task in Task} == {Task.T2I: 42, Task.P2P: 45, Task.S2P: 45}
    assert len(SUBSETS) == len(set(SUBSETS)) == 132


def test_the_text_to_image_subsets_hold_13200_prompts() -> None:
    sizes = [published_size(Task.T2I, pair) for pair in pairs(Task.T2I)]
    assert sum(sizes) == 13_200
    assert {size: sizes.count(size) for size in set(sizes)} == {500: 10, 300: 18, 200: 14}


def test_the_benchmark_holds_40200_prompts() -> None:
    assert sum(published_size(task, pair) for task, pair in SUBSETS) == 40_200


def test_no_text_to_image_prompt_is_about_two_robustness_dimensions_or_an_ambiguous_one() -> None:
    assert {str(pair) for pair in set(PAIRS) - set(pairs(Task.T2I))} == {"D-A_R-T", "D-A_R-B", "R-T_R-B"}


@given(one=dimensions, other=dimensions)
def test_a_pair_does_not_depend_on_which_is_named_first(one: Dimension, other: Dimension) -> None:
    if one != other:
        assert Pair.of(one, other) == Pair.of(other, one) == Pair.parse(f"{other}_{one}")
        assert Pair.of(one, other) in PAIRS


def test_a_pair_is_written_and_read_back() -> None:
    assert [Pair.parse(str(pair)) for pair in PAIRS] == list(PAIRS)
    assert len(PAIRS) * 2 == len(list(permutations(Dimension, 2)))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("TA-C", "dimension: '' is unknown; choose one of IQ-R, "),
        ("TA-C_TA-C", "pair: TA-C is named twice; a pair needs two different dimensions"),
        ("ta-c_TA-S", "dimension: 'ta-c' is unknown; choose one of IQ-R, "),
        ("../x_TA-S", "dimension: '../x' is unknown"),
    ],
)
def test_a_pair_that_is_none_is_one_line(name: str, said: str) -> None:
    with pytest.raises(ParamsError) as failed:
        Pair.parse(name)
    assert str(failed.value).startswith(said)
    assert len(str(failed.value).splitlines()) == 1


@given(code=st.text())
def test_a_code_is_a_dimension_or_refused(code: str) -> None:
    if code not in {str(known) for known in Dimension}:
        with pytest.raises(ParamsError, match=names("dimension", repr(code), ", ".join(Dimension))):
            dimension(code)
