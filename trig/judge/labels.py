"""Grades as tokens: which first tokens mean which grade."""

from collections.abc import Callable, Sequence

from trig.errors import LabelError
from trig.protocols import Labels


def labels(grades: Sequence[str], encode: Callable[[str], list[int] | None]) -> Labels:
    """For each grade the ids of its spellings that are one token: as written, in other case, and after a space.

    Raises LabelError when a grade as written is several tokens, or when two grades share a token: their probabilities could not be told apart.
    """
    found: list[tuple[int, ...]] = []
    owner: dict[int, str] = {}
    for grade in grades:
        spellings = [encode(space + word) for space in ("", " ") for word in (grade, grade.lower(), grade.upper(), grade.capitalize())]
        known = [tokens for tokens in spellings if tokens is not None]
        if not known:
            return _by_name(grades)
        if len(known[0]) != 1:
            raise LabelError(
                f"params.yaml: judge.grades: {grade!r} is {len(known[0])} tokens for this judge; choose a grade that is one token"
            )
        ids = sorted({tokens[0] for tokens in known if len(tokens) == 1})
        for token in ids:
            if owner.setdefault(token, grade) != grade:
                raise LabelError(f"params.yaml: judge.grades: {owner[token]!r} and {grade!r} are the same token for this judge; rename one")
        found.append(tuple(ids))
    return Labels(tuple(grades), tuple(found))


def _by_name(grades: Sequence[str]) -> Labels:
    """Grades that are told by the text of the answer's token, whatever its case and the space before it."""
    for place, grade in enumerate(grades):
        for other in grades[:place]:
            if grade.strip().casefold() == other.strip().casefold():
                raise LabelError(f"params.yaml: judge.grades: {other!r} and {grade!r} are the same word for this judge; rename one")
    return Labels(tuple(grades), None)
