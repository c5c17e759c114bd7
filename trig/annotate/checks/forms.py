"""Inflected forms of a word: plural, past tense, -ing form. A rule of English that also gives the plural of many Romance words."""

from functools import lru_cache

VOWELS = frozenset("aeiou")
HISSING = ("s", "x", "z", "ch", "sh", "o")


@lru_cache(maxsize=1 << 14)
def forms(word: str) -> frozenset[str]:
    """A case-folded word with its regular forms: judge, judges, judged, judging. Some are no words; that does no harm in a search."""
    told = {word, f"{word}s", f"{word}ed", f"{word}ing"}
    if word.endswith("e"):
        told |= {f"{word}d", f"{word[:-1]}ing"}
    elif word.endswith("y") and word[-2:-1] not in VOWELS:
        told |= {f"{word[:-1]}ies", f"{word[:-1]}ied"}
    elif word.endswith(HISSING) or word[-1:] not in VOWELS:
        told.add(f"{word}es")
    if word[-1:] not in VOWELS and word[-2:-1] in VOWELS:
        told |= {f"{word}{word[-1]}ed", f"{word}{word[-1]}ing"}
    return frozenset(told)


def alike(one: str, other: str) -> bool:
    """Whether one word is a form of the other."""
    return one in forms(other) or other in forms(one)
