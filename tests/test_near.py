"""Near-duplicate search against Jaccard similarity by hand."""

import os
import subprocess
import sys
from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trig.text.near import Near, similarity

FORTY = " ".join(f"word{n}" for n in range(40))


@cache
def grams_by_hand(text: str) -> set[str]:
    return {" ".join(text.split()[n : n + 3]) for n in range(len(text.split()) - 2)}


def jaccard_by_hand(one: str, other: str) -> float:
    """As in the definition, over texts of three words or more."""
    sides = grams_by_hand(one), grams_by_hand(other)
    return len(sides[0] & sides[1]) / len(sides[0] | sides[1])


def drawn(count: int) -> list[str]:
    """Texts of 4 to 60 words, each like one of twelve with up to three words changed."""
    rng = np.random.default_rng(0)
    bases = [[f"b{base}w{place}" for place in range(4 + 5 * base)] for base in range(12)]
    texts = []
    for _ in range(count):
        text = list(bases[rng.integers(len(bases))])
        for _ in range(rng.integers(4)):
            text[rng.integers(len(text))] = f"new{rng.integers(3)}"
        texts.append(" ".join(text))
    return texts


def test_similarity_is_that_of_the_definition() -> None:
    for one, other in pairwise(drawn(200)):
        assert similarity(one, other) == pytest.approx(jaccard_by_hand(one, other))


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.9, 1.0])
def test_what_is_found_is_the_first_text_at_the_threshold(threshold: float) -> None:
    texts, near, found = drawn(250), Near(threshold), 0
    for n, text in enumerate(texts):
        same = [name for name in range(n) if texts[name] == text]
        alike = [name for name in range(n) if jaccard_by_hand(texts[name], text) >= threshold]
        want = str((same or alike)[0]) if same or alike else None
        assert near.near(text) == want
        found += want is not None
        near.add(text, str(n))
    assert found > 50


def test_one_word_in_forty() -> None:
    near = Near(0.9)
    near.add(FORTY, "whole")
    assert near.near(FORTY.replace("word39", "other")) == "whole"  # 37 of 39 grams
    assert near.near(f"{FORTY} more") == "whole"  # 38 of 39
    assert near.near(FORTY.replace("word20", "other")) is None  # 35 of 41
    low = Near(0.85)
    low.add(FORTY, "whole")
    assert low.near(FORTY.replace("word20", "other")) == "whole"


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("A girl, flying a kite.", "a girl flying a KITE"),
        ("a girl flying a kite", "a  girl\u200b flying — a kite!"),
        ("ein Mädchen am Strand", "ein Ma\u0308dchen am Strand"),
        ("red ball", "Red ball."),
        ("ball", "Ball"),
        ("女孩在海滩上放风筝", "女孩在海滩上,放风筝。"),
    ],
)
def test_case_marks_and_forms_make_no_difference(text: str, same: str) -> None:
    near = Near(0.9)
    near.add(text, "one")
    assert near.near(same) == "one" and similarity(text, same) == 1


@pytest.mark.parametrize(
    ("text", "other"),
    [
        ("red ball", "blue ball"),
        ("ball", "ring"),
        ("ball", "red ball"),
        ("a red ball at night", "a blue ball at night"),
        ("a red ball at night", "a red ball in a room"),
        ("女孩在海滩上放风筝", "男孩在公园里放风筝"),
    ],
)
def test_short_texts_differ_by_a_word(text: str, other: str) -> None:
    near = Near(0.9)
    near.add(text, "one")
    assert near.near(other) is None and similarity(text, other) < 0.9


def test_a_language_without_spaces_has_many_words() -> None:
    near = Near(0.6)
    near.add("一个女孩在刮风的海滩上放风筝的时候", "one")
    assert near.near("一个女孩在刮风的海滩上放风筝的下午") == "one"


def test_texts_of_different_sources_are_no_duplicates() -> None:
    near = Near(0.9)
    near.add("turn the picture into an oil painting", "one", source="a")
    assert near.near("turn the picture into an oil painting", source="b") is None
    assert near.near("turn the picture into an oil painting") is None
    assert near.near("Turn the picture into an oil painting!", source="a") == "one"


def test_the_first_name_of_equal_texts_stays() -> None:
    near = Near(0.9)
    near.add("a red ball", "one")
    near.add("A red ball", "two")
    assert near.near("a red ball") == "one" and len(near) == 1


def test_hostile_texts_are_texts() -> None:
    near = Near(0.9)
    for n, text in enumerate(["", "!?", "\ud800 \udfff", "x" * 100_000, "\u202e\u200b", "word " * 20_000]):
        near.near(text)
        near.add(text, str(n))
    assert near.near("...") == "0" and near.near("word " * 19_999) == "5"


PROGRAM = """
from test_near import drawn
from trig.text.near import Near
near = Near(0.6)
for n, text in enumerate(drawn(200)):
    print(near.near(text))
    near.add(text, str(n))
"""


def test_hash_seeds_make_no_difference() -> None:
    told = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM],
            env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "2")
    }
    assert len(told) == 1


@given(st.lists(st.text(st.characters(codec=None)), max_size=5))
def test_a_text_is_near_itself_and_similarity_goes_both_ways(texts: list[str]) -> None:
    near = Near(0.9)
    for text in texts:
        near.add(text, text)
        assert near.near(text) is not None
        assert similarity(text, texts[0]) == similarity(texts[0], text)
