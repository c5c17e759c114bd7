"""Whether a text is in the language of the material, by its letters and by py3langid."""

from collections.abc import Collection, Sequence
from functools import cache
from typing import Any

from trig.annotate.checks.scripts import LATIN, script, scripts

LEAST = 0.05
"""Probability of the language below which a text is in another. Of 15,000 English and Spanish captions of six words or more none had less than 0.15,
of fragments of four words one in sixty; of 330 texts in other languages none had more in English, and two, Portuguese and Catalan, in Spanish."""
KNOWN = 0.5
"""Share of words of the material from which a text is in its language, whatever else is in it."""
LATIN_SHARE = 0.5
"""Largest share of Latin letters in a language written otherwise, where they stand for brands and abbreviations."""


class Language:
    """A language by its ISO 639-1 code, and the scripts in which the material's words are written."""

    def __init__(self, code: str, known: Collection[str]) -> None:
        self.code = code
        self._known = frozenset(known)
        self._scripts = scripts(known)

    def complaint(self, text: str, found: Sequence[str]) -> str | None:
        """Why the text is not in the language; `found` are its words."""
        if complaint := self._of_letters([script(letter) for letter in text if letter.isalpha()]):
            return complaint
        shared = sum(word in self._known for word in found)
        return None if found and shared >= KNOWN * len(found) else self._of_words(text)

    def _of_letters(self, written: list[str]) -> str | None:
        foreign = [one for one in written if one not in self._scripts] if self._scripts else []
        if set(foreign) - {LATIN} or len(foreign) > LATIN_SHARE * len(written):
            return f"letters of another script than the material's: {', '.join(sorted(set(foreign)))}"
        return None

    def _of_words(self, text: str) -> str | None:
        ranked: list[tuple[str, float]] = _identifier().rank(text)
        share = dict(ranked).get(self.code)
        if share is None or share >= LEAST:
            return None
        return f"looks like language {ranked[0][0]!r} ({ranked[0][1]:.0%}), not {self.code!r} ({share:.0%})"


@cache
def _identifier() -> Any:
    """The model of 140 languages; loading takes a second, and only texts of language models need it."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
