"""Words of a text in any script, as they are compared: without case, compatibility forms and invisible characters."""

import re
import sys
from unicodedata import normalize

_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Scripts written without spaces (Thai, Lao, Burmese, Khmer, kana, Han): each character counts as a word."""
_MARKS = r"\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0900-\u0dff"
"""Combining marks that belong to a word: Latin, Hebrew and Arabic ones, and the Indic scripts with theirs."""
_INVISIBLE = r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff\U000e0000-\U000e0fff"
_ASCII = re.compile(r"[a-z0-9]+")
_WORD = re.compile(rf"[{_UNSPACED}]|(?:(?![{_UNSPACED}])(?:[^\W_]|[{_MARKS}]))+")
_HIDDEN = re.compile(f"[{_INVISIBLE}]")


def plain(text: str) -> str:
    """The text case-folded (NFKC), without zero-width, bidirectional and variation characters."""
    return text.lower() if text.isascii() else normalize("NFKC", _HIDDEN.sub("", normalize("NFKC", text)).casefold())


def words(text: str) -> tuple[str, ...]:
    """Words of a text as `plain` gives it, without punctuation; interned, as prompts repeat them."""
    folded = plain(text)
    return tuple(map(sys.intern, (_ASCII if folded.isascii() else _WORD).findall(folded)))
