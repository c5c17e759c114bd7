"""Whether a person reads a text without effort: one line of plain sentences."""

import re
from collections.abc import Sequence
from itertools import pairwise
from unicodedata import category

from trig.annotate.checks.scripts import mixed, unseen

LONGEST_SENTENCE = 60
"""Words. Readability formulas are not used: on one sentence they measure its length, and they know English only."""
LONGEST_WORD = 40
"""Letters."""
REPEATS = 3
"""Times a word stands in a row where a model is caught in a loop."""

_MARKUP = re.compile(r"[<>{}\[\]\\|^~`*_#=]|&#?\w+;|^\s*(?:[-•+]|\d{1,2}[.)])\s")
_ADDRESS = re.compile(r"://|[^\W_]{2}\.[a-z]{2,}|@", re.IGNORECASE)
_NOT_ASCII = re.compile("[^ -~]")
_END = re.compile(r"[.!?…。！？]+(?:\s+|$)")
_DOUBLE, _ANGLE = re.compile('["“”„‟]'), re.compile("[«»]")


def complaint(text: str, found: Sequence[str]) -> str | None:
    """Why the text is hard to read; `found` are its words."""
    return (
        (None if text.isascii() and text.isprintable() else _strange(text) or _mixed(found))
        or _spelt(_MARKUP, text, "holds markup")
        or _spelt(_ADDRESS, text, "holds an address, a handle, or no space after a full stop")
        or _unbalanced(text)
        or _too_long(text, found)
    )


def looped(found: Sequence[str]) -> str | None:
    """Why the words look like the output of a model caught in a loop."""
    run = 1
    for one, other in pairwise(found):
        run = run + 1 if one == other else 1
        if run == REPEATS:
            return f"the word {one[:LONGEST_WORD]!r} stands {REPEATS} times in a row"
    return None


def _strange(text: str) -> str | None:
    """A character that is not seen, or is a picture."""
    if hidden := unseen(text):
        return f"holds the control or invisible character U+{ord(hidden):04X}"
    for match in _NOT_ASCII.finditer(text):
        letter, kind = match[0], category(match[0])
        if (kind == "So" and letter >= "\u2190") or "\U0001f3fb" <= letter <= "\U0001f3ff" or "\ufe00" <= letter <= "\ufe0f":
            return f"holds the symbol or emoji U+{ord(letter):04X}"
    return None


def _mixed(found: Sequence[str]) -> str | None:
    word = mixed(found)
    return None if word is None else f"the word {word[:LONGEST_WORD]!r} mixes letters of two scripts"


def _spelt(pattern: re.Pattern[str], text: str, says: str) -> str | None:
    match = pattern.search(text)
    return None if match is None else f"{says}: {match[0].strip()[:LONGEST_WORD]!r}"


def _unbalanced(text: str) -> str | None:
    if len(_DOUBLE.findall(text)) % 2 or len(_ANGLE.findall(text)) % 2:
        return "a quotation mark has no partner"
    return None if text.count("(") == text.count(")") else "a bracket has no partner"


def _too_long(text: str, found: Sequence[str]) -> str | None:
    if any(len(word) > LONGEST_WORD for word in found):
        return f"a word has more than {LONGEST_WORD} letters"
    longest = max(len(sentence.split()) for sentence in _END.split(text)) if len(found) > LONGEST_SENTENCE else 0
    return f"a sentence has {longest} words, more than {LONGEST_SENTENCE}" if longest > LONGEST_SENTENCE else None
