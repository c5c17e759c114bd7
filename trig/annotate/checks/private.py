"""Whether a text may name a real private person. It cannot tell a person's name from a place's: the material's own names pass.

Names in scripts without capital letters are not found, and neither is a single name.
"""

import re
from collections.abc import Collection
from itertools import pairwise

from trig.text.words import words

_MAIL = re.compile(r"[^\s@]+@[^\s@]+\.\w+")
_PHONE = re.compile(r"(?<![\w.])(?:\+\d[\d\s().-]{6,16}\d|\(?\d{2,4}\)?[\s.-]\d{3}[\s.-]?\d{3,4}|\d{3}[\s.-]\d{4}|0\d{8,11})(?!\w)")
_DIGITS = re.compile(r"\d{3}")
"""What a phone number has: a pattern that is found or missed fast."""
_TITLE = re.compile(r"\b(?:mr|mrs|ms|mx|dr|prof|sr|sra|srta|mme|mlle)\b\.?\s+[^\W\d_]+", re.IGNORECASE)
_FORM = re.compile(
    r"\b(?:Miss|Sir|Madam|Lord|Lady|Doctor|Professor|Don|Doña|Señor|Señora|Señorita|Monsieur|Madame|Herr|Frau)\s+[^\W\d_][\w'’-]*"
)
_WORD = re.compile(r"[^\W\d_][\w'’-]+")
_BETWEEN = re.compile(r"\s+(?:[^\W\d_]\.\s+)?")
"""What may stand between the names of a person: a space, and an initial."""
_SENTENCE = re.compile(r"(?:^|[.!?…:][\"”’)]*\s)[\"“‘(]*$")


def contact(text: str) -> str | None:
    """An e-mail address or a phone number in the text."""
    if "@" in text and (mail := _MAIL.search(text)):
        return f"holds what looks like an e-mail address: {mail[0][:60]!r}"
    phone = _PHONE.search(text) if _DIGITS.search(text) else None
    return f"holds what looks like a phone number: {phone[0]!r}" if phone else None


def person(text: str, known: Collection[str]) -> str | None:
    """A name in the text: a form of address with a word, or two capitalised words that are not `known` words of the material."""
    formal = (match for match in _FORM.finditer(text) if match[0].split()[1][0].isupper())
    if match := _TITLE.search(text) or next(formal, None):
        return f"names a person: {match[0][:60]!r}"
    for one, other in pairwise(_WORD.finditer(text)):
        if _proper(one[0]) and _proper(other[0]) and _BETWEEN.fullmatch(text, one.end(), other.start()) and _new(text, one, other, known):
            return f"may name a person: {text[one.start() : other.end()][:60]!r}"
    return None


def _new(text: str, one: re.Match[str], other: re.Match[str], known: Collection[str]) -> bool:
    """Whether a pair of capitalised words is not the material's; a known word that begins a sentence is no name."""
    first, second = (all(word in known for word in words(match[0])) for match in (one, other))
    return not (first and second) and not (first and _SENTENCE.search(text, 0, one.start()))


def _proper(word: str) -> bool:
    return len(word) > 1 and word[0].isupper() and not word.isupper()
