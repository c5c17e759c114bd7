"""Scripts in which letters are written, and words that mix them."""

from collections.abc import Iterable
from functools import lru_cache
from unicodedata import name

LATIN = "LATIN"
ALIKE = frozenset({LATIN, "GREEK", "CYRILLIC", "COPTIC", "ARMENIAN", "CHEROKEE"})
"""Scripts with letters that look the same. Other scripts mix: Korean endings stand on Latin words."""


@lru_cache(maxsize=1 << 14)
def script(letter: str) -> str:
    """First word of the letter's Unicode name, such as LATIN, CYRILLIC or CJK; "" for what is no letter."""
    return name(letter, "").partition(" ")[0] if letter.isalpha() else ""


def scripts(texts: Iterable[str]) -> frozenset[str]:
    """Scripts of the letters of some texts."""
    return frozenset(map(script, set().union(*texts))) - {""}


def mixed(found: Iterable[str]) -> str | None:
    """First word with letters of two scripts that look alike: it may be spelt as another word than it seems."""
    return next((word for word in found if not word.isascii() and len(scripts([word]) & ALIKE) > 1), None)
