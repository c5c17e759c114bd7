"""Content keys: equal exactly when the parts are."""

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from trig.keys import content_key

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text() | st.binary()
PARTS = st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=12)


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Point:
    x: int
    y: list[str]


class Model(BaseModel):
    x: int
    y: list[str]


def telling(part: object) -> object:
    """The part with explicit types, so that Python's equality is the reference."""
    if isinstance(part, list):
        return ("list", [telling(item) for item in part])
    if isinstance(part, dict):
        return ("dict", {name: telling(value) for name, value in part.items()})
    return (type(part).__name__, repr(part))


@given(PARTS, PARTS)
def test_keys_are_equal_exactly_when_the_parts_are(one: object, other: object) -> None:
    assert (content_key(part=one) == content_key(part=other)) == (telling(one) == telling(other))


@given(st.dictionaries(st.text(), PARTS, min_size=1, max_size=5), st.randoms())
def test_the_order_of_names_does_not_matter(parts: dict[str, object], random: Random) -> None:
    names = list(parts)
    random.shuffle(names)
    assert content_key(**{name: parts[name] for name in names}) == content_key(**parts)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"a": "ab", "b": "c"}, {"a": "a", "b": "bc"}),
        ({"a": ["ab", "c"]}, {"a": ["a", "bc"]}),
        ({"a": [[], [1]]}, {"a": [[1], []]}),
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, {"a": True}),
        ({"a": 1}, {"a": 1.0}),
        ({"a": "x"}, {"a": b"x"}),
        ({"a": None}, {}),
        ({"a": ""}, {"a": None}),
        ({"a": [1, 2]}, {"a": [2, 1]}),
        ({"a": 0.0}, {"a": -0.0}),
    ],
)
def test_parts_that_look_alike_have_different_keys(one: dict[str, object], other: dict[str, object]) -> None:
    assert content_key(**one) != content_key(**other)


def test_a_dataclass_a_model_and_a_dictionary_with_the_same_names_are_one_part() -> None:
    plain = {"y": ["a"], "x": 1}
    assert content_key(p=Point(1, ["a"])) == content_key(p=Model(x=1, y=["a"])) == content_key(p=plain)


def test_an_enum_is_its_word_and_a_tuple_is_a_list() -> None:
    assert content_key(a=Colour.RED, b=(1, 2)) == content_key(a="red", b=[1, 2])


def test_a_key_is_the_same_in_every_run() -> None:
    assert content_key(prompt="a cat", seed=7, image=b"\x89PNG") == "572c7bfaba59731331ff5de43f739336"


@pytest.mark.parametrize("part", [Path("weights"), object(), {1, 2}, Point])
def test_what_has_no_content_has_no_key(part: object) -> None:
    with pytest.raises(TypeError, match=re.escape(f"{type(part).__name__}: {part!r}")):
        content_key(part=part)
