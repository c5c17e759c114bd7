"""Near-duplicate search: Jaccard similarity of word 3-grams, by MinHash LSH with exact verification."""

from collections.abc import Iterator

from rensa import RMinHash, RMinHashLSH

from trig.text.words import words

GRAM = 3
PERMUTATIONS = 128
SEED = 1
RECALL = 0.999
"""Least probability that LSH finds a pair at the threshold; more similar pairs are found more surely."""

Words = tuple[str, ...]


class Near:
    """Texts by name, and which of them a text nearly duplicates. Incremental; results depend on the texts and their order only.

    Texts of different sources are never duplicates of each other: an edit instruction means another picture on another source.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold  # Jaccard similarity in (0, 1] from which two texts are one
        self._lsh = RMinHashLSH(threshold=threshold, num_perm=PERMUTATIONS, num_bands=_bands(threshold))
        self._kept: list[tuple[str, str, Words]] = []  # name, source, words, in order of addition
        self._exact: dict[tuple[str, Words], str] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def add(self, text: str, name: str, source: str | None = None) -> None:
        """Keep a text under a name, unless one of the same words is kept."""
        found, place = words(text), source or ""
        if (place, found) not in self._exact:
            self._exact[place, found] = name
            self._lsh.insert(len(self._kept), _sketch(found, place))
            self._kept.append((name, place, found))

    def near(self, text: str, source: str | None = None) -> str | None:
        """Name of the text with the same words, else of the first added near-duplicate; None where there is none."""
        found, place = words(text), source or ""
        if (name := self._exact.get((place, found))) is not None:
            return name
        grams = _grams(found)
        candidates: list[int] = sorted(self._lsh.query(_sketch(found, place)))
        for candidate in candidates:
            name, other, kept = self._kept[candidate]
            if other == place and _jaccard(grams, _grams(kept)) >= self.threshold:
                return name
        return None


def similarity(one: str, other: str) -> float:
    """Jaccard similarity of the word 3-grams of two texts, in [0, 1]; 1 for two texts without words."""
    return _jaccard(_grams(words(one)), _grams(words(other)))


def _grams(found: Words) -> frozenset[Words]:
    """Word 3-grams; a shorter text is one gram, padded."""
    if len(found) < GRAM:
        return frozenset([found + ("",) * (GRAM - len(found))])
    return frozenset(zip(found, found[1:], found[2:], strict=False))


def _jaccard(one: frozenset[Words], other: frozenset[Words]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)


def _sketch(found: Words, source: str) -> RMinHash:
    """MinHash of the grams; the source is part of each, so that sources share no bucket."""
    sketch = RMinHash(num_perm=PERMUTATIONS, seed=SEED)
    sketch.update(list(_tokens(found, source)))
    return sketch


def _tokens(found: Words, source: str) -> Iterator[str]:
    return (" ".join((*gram, source)) for gram in _grams(found))


def _bands(threshold: float) -> int:
    """Fewest LSH bands, which give the fewest false candidates, with the wanted recall at the threshold."""
    counts = (4, 8, 16, 32, 64)
    return next((bands for bands in counts if 1 - (1 - threshold ** (PERMUTATIONS // bands)) ** bands >= RECALL), PERMUTATIONS)
