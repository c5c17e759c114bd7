"""Texts of a language model's answers: what is mended in silence, and what it is asked to repair."""

import json

import pytest

from trig.annotate.shapes import Seen, Written
from trig.llm.shapes import read

SEEN = {"subject": "a cat", "other": None, "place": None, "item": "cat", "description": "A cat.", "fit": True, "unfit_reason": None}


@pytest.mark.parametrize("field", ["subject", "other", "place", "item", "description", "unfit_reason"])
@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("<script>x</script> /etc/passwd", "<script>"),
        ("see https://example.org", "https://"),
        ("a\u202eb", "U+202E"),
        ("a\x00b", "U+0000"),
        ("cat\u200d", "U+200D"),
        ("a {phrase}", "{"),
    ],
)
def test_a_description_holds_what_a_material_may_hold(field: str, text: str, named: str) -> None:
    with pytest.raises(ValueError, match=field) as told:
        read(json.dumps(SEEN | {field: text}), Seen)
    assert named in str(told.value)


def test_lines_become_one() -> None:
    found = read(json.dumps(SEEN | {"description": " A cat.\n\n\tIt sits.\u2028", "item": "cat\n"}), Seen)
    assert isinstance(found, Seen) and (found.description, found.item) == ("A cat. It sits.", "cat")
    assert Written(prompt="\na cat\r\nsits ").prompt == "a cat sits"


@pytest.mark.parametrize("text", ["a\x07b", "a\u200bb", "a\u2066b", "a\x1b[31mb", "\u200c"])
def test_a_prompt_holds_no_control_characters(text: str) -> None:
    with pytest.raises(ValueError, match="prompt"):
        read(json.dumps({"prompt": text}), Written)


@pytest.mark.parametrize("text", ["می\u200cخواهم", "क्\u200dष", "a <b>cat</b>", "{x}"])
def test_spelling_stays_and_markup_of_a_prompt_is_for_the_checks(text: str) -> None:
    assert Written(prompt=text).prompt == text
