"""Scripts in which letters are written, and words that mix them."""

from collections.abc import Iterable
from functools import lru_cache
from unicodedata import bidirectional, category, name

LATIN = "LATIN"
ALIKE = frozenset({LATIN, "GREEK", "CYRILLIC", "COPTIC", "ARMENIAN", "CHEROKEE"})
"""Scripts with letters that look the same. Other scripts mix: Korean endings stand on Latin words."""

JOINERS = "\u200c\u200d"
JOINING = frozenset("ARABIC BENGALI DEVANAGARI GUJARATI GURMUKHI KANNADA MALAYALAM ORIYA SINHALA SYRIAC TAMIL TELUGU".split())
"""Scripts in which joiners are part of spelling."""
UNSEEN = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Unicode categories of controls, format characters, surrogates, private and unassigned ones, and line breaks."""


@lru_cache(maxsize=1 << 14)
def script(letter: str) -> str:
    """First word of the letter's Unicode name, such as LATIN, CYRILLIC or CJK; "" for what is no letter."""
    return _writing(letter) if letter.isalpha() else ""


def _writing(character: str) -> str:
    """The same of a letter or of a mark on one, such as a virama."""
    return name(character, "").partition(" ")[0]


def scripts(texts: Iterable[str]) -> frozenset[str]:
    """Scripts of the letters of some texts."""
    return frozenset(map(script, set().union(*texts))) - {""}


def mixed(found: Iterable[str]) -> str | None:
    """First word with letters of two scripts that look alike: it may be spelt as another word than it seems."""
    return next((word for word in found if not word.isascii() and len(scripts([word]) & ALIKE) > 1), None)


def unseen(text: str) -> str | None:
    """First character that is not seen, or turns the text around; None without one. Joiners in scripts that need them are spelling."""
    if text.isascii() and text.isprintable():
        return None
    for index, letter in enumerate(text):
        if category(letter) in UNSEEN and not (letter in JOINERS and index and _writing(text[index - 1]) in JOINING):
            return letter
    return None


def leftward(text: str) -> bool:
    """Whether a letter of the text runs from right to left."""
    return not text.isascii() and any(bidirectional(letter) in ("R", "AL") for letter in text)


def right_to_left(texts: Iterable[str]) -> bool:
    """Whether most letters of some texts run from right to left."""
    letters = [letter for text in texts for letter in text if letter.isalpha()]
    return sum(map(leftward, letters)) > len(letters) / 2
