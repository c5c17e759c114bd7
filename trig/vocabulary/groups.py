"""Groups of a Dimension Trade-off Map, as data and in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from trig.vocabulary.about import ABOUT
from trig.vocabulary.dimensions import Dimension
from trig.vocabulary.relations import Relation


@dataclass(frozen=True, slots=True)
class Group:
    """Dimensions that share a relation: a maximal clique, or the two of a tilt."""

    relation: str
    numeral: str  # roman, its place among the groups of the relation; empty for a tilt
    members: tuple[str, ...]  # dimensions in canonical order; of a tilt (favoured, other)


def words(groups: Sequence[Group]) -> tuple[str, ...]:
    """Groups in words, as in the paper: `Synergy (i): Content, Originality, Realism`, and one line of tilts, `Tilt: Realism over Style`.

    Names are sorted alphabetically.
    """
    cliques = [group for group in groups if group.relation != Relation.TILT]
    edges = "; ".join(" over ".join(map(_name, group.members)) for group in groups if group.relation == Relation.TILT)
    told = [f"{group.relation.capitalize()} ({group.numeral}): {', '.join(sorted(map(_name, group.members)))}" for group in cliques]
    return (*told, f"{Relation.TILT.capitalize()}: {edges}") if edges else tuple(told)


def roman(number: int) -> str:
    """Lower-case Roman numeral, up to 89: ten dimensions have at most 36 groups of a relation."""
    tens, ones = divmod(number, 10)
    return ("l" * (tens >= 5) + "x" * (tens % 5) if tens != 4 else "xl") + ("", *"i ii iii iv v vi vii viii ix".split())[ones]


def _name(code: str) -> str:
    return ABOUT[Dimension(code)].name
