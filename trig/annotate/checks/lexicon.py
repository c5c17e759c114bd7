"""A list of words and expressions, found in a text in any regular inflection and hyphenation."""

import re
from collections.abc import Iterable, Sequence

from trig.annotate.checks.forms import forms
from trig.text.words import plain, words

_HYPHEN = re.compile(r"(?<=\w)[-‐‑](?=\w)")


class Lexicon:
    """Expressions by the forms of their first word. Words match whole: `test` is in `tested` and `test-set`, and not in `testament`."""

    def __init__(self, entries: Iterable[str]) -> None:
        self._by_first: dict[str, list[tuple[tuple[frozenset[str], ...], str]]] = {}
        for entry in entries:
            spelt = words(entry)
            for form in {spelt, ("".join(spelt),)} if spelt else ():
                wanted = tuple(map(forms, form))
                for first in wanted[0]:
                    self._by_first.setdefault(first, []).append((wanted, entry))

    def find(self, text: str, found: Sequence[str]) -> str | None:
        """An entry that stands in the text; `found` are its words."""
        name = self._find(found)
        if name is None and _HYPHEN.search(text):
            return self._find(words(_HYPHEN.sub("", plain(text))))
        return name

    def _find(self, found: Sequence[str]) -> str | None:
        if self._by_first.keys().isdisjoint(found):
            return None
        for index, first in enumerate(found):
            for wanted, entry in self._by_first.get(first, ()):
                said = found[index : index + len(wanted)]
                if len(said) == len(wanted) and all(word in known for word, known in zip(said, wanted, strict=True)):
                    return entry
        return None
