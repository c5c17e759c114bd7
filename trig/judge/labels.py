"""Label tokens: maps each grade to the first tokens that count for it."""

from collections.abc import Callable, Sequence

from trig.errors import LabelError
from trig.protocols.judge import Labels
from trig.scales import Scale

FIELD = "params.yaml: judge.scale"


def labels(scale: Scale, encode: Callable[[str], list[int] | None]) -> Labels:
    """Token ids of each grade's single-token spellings: as written, in other case, and after a space; or the scale's own words.

    A scale's own word that is not a single token is ignored. Raises LabelError when a grade as written is several tokens, or when two
    grades share a token.
    """
    found: list[tuple[int, ...]] = []
    owner: dict[int, str] = {}
    for index, grade in enumerate(scale.grades):
        spelt = [encode(word) for word in (scale.words[index] if scale.words else _spellings(grade))]
        known = [tokens for tokens in spelt if tokens is not None]
        if not known:
            return _by_name(scale)
        ids = sorted({tokens[0] for tokens in known if len(tokens) == 1})
        if len(known[0]) != 1 and not scale.words:
            raise LabelError(f"{FIELD}: {grade!r} is {len(known[0])} tokens for this judge; choose a grade that is one token")
        for token in ids:
            if owner.setdefault(token, grade) != grade:
                raise LabelError(f"{FIELD}: {owner[token]!r} and {grade!r} are the same token for this judge; rename one")
        found.append(tuple(ids))
    return Labels(scale.grades, tuple(found), scale.words, scale.top)


def _spellings(grade: str) -> Sequence[str]:
    return [space + word for space in ("", " ") for word in (grade, grade.lower(), grade.upper(), grade.capitalize())]


def _by_name(scale: Scale) -> Labels:
    """Labels matched by the decoded token text, ignoring case and surrounding space."""
    for index, grade in enumerate(scale.grades):
        for other in scale.grades[:index]:
            if grade.strip().casefold() == other.strip().casefold():
                raise LabelError(f"{FIELD}: {other!r} and {grade!r} are the same word for this judge; rename one")
    return Labels(scale.grades, None, scale.words, scale.top)
