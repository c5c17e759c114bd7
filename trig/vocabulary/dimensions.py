"""The ten dimensions, three tasks and 132 subsets (arXiv 2507.22100, sections 3 and 4)."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from trig.errors import ParamsError


class Dimension(StrEnum):
    """Evaluation dimensions in canonical order. Higher scores are better on all ten."""

    REALISM = "IQ-R"
    ORIGINALITY = "IQ-O"
    AESTHETICS = "IQ-A"
    CONTENT = "TA-C"
    RELATION = "TA-R"
    STYLE = "TA-S"
    KNOWLEDGE = "D-K"
    AMBIGUITY = "D-A"
    TOXICITY = "R-T"
    BIAS = "R-B"


_ORDER = {dimension: index for index, dimension in enumerate(Dimension)}


class Task(StrEnum):
    """Generation tasks: text-to-image, image editing, subject-driven."""

    T2I = "t2i"
    P2P = "p2p"
    S2P = "s2p"


@dataclass(frozen=True, slots=True, order=True)
class Pair:
    """Two dimensions in canonical order; its name is `X_Y`."""

    x: Dimension
    y: Dimension

    def __str__(self) -> str:
        return f"{self.x}_{self.y}"

    @classmethod
    def of(cls, one: Dimension, other: Dimension) -> "Pair":
        """Pair of two different dimensions, in either order. Raises ParamsError for equal ones."""
        if one == other:
            raise ParamsError(f"pair: {one} is named twice; a pair needs two different dimensions")
        return cls(*sorted((one, other), key=_ORDER.__getitem__))

    @classmethod
    def parse(cls, name: str) -> "Pair":
        """Parses `X_Y`, in either order. Raises ParamsError for an unknown dimension."""
        one, _, other = name.partition("_")
        return cls.of(dimension(one), dimension(other))


def dimension(code: str) -> Dimension:
    """Parses a code such as `TA-R`. Raises ParamsError with the list of codes."""
    try:
        return Dimension(code)
    except ValueError:
        raise ParamsError(f"dimension: {code!r} is unknown; choose one of {', '.join(Dimension)}") from None


PAIRS: tuple[Pair, ...] = tuple(Pair(x, y) for x, y in combinations(Dimension, 2))
_ABSENT_T2I = frozenset(Pair.parse(name) for name in ("D-A_R-T", "D-A_R-B", "R-T_R-B"))


def pairs(task: Task) -> tuple[Pair, ...]:
    """Pairs of a task: 42 for t2i, 45 for p2p and s2p."""
    return tuple(pair for pair in PAIRS if task is not Task.T2I or pair not in _ABSENT_T2I)


SUBSETS: tuple[tuple[Task, Pair], ...] = tuple((task, pair) for task in Task for pair in pairs(task))
