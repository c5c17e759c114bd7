"""The ten dimensions, the three tasks, and the 132 subsets they form (arXiv 2507.22100, sections 3 and 4)."""

from dataclasses import dataclass
from enum import StrEnum
from itertools import combinations

from trig.errors import ParamsError


class Dimension(StrEnum):
    """A quality a picture is judged on, in canonical order. A higher score is better on all ten."""

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


class DimensionClass(StrEnum):
    """The family a dimension belongs to."""

    QUALITY = "Image Quality"
    ALIGNMENT = "Task Alignment"
    DIVERSITY = "Diversity"
    ROBUSTNESS = "Robustness"


@dataclass(frozen=True, slots=True)
class About:
    """What people are told of a dimension. `high` says what a score of 1 means."""

    name: str
    group: DimensionClass
    high: str


_Q, _A, _D, _R = DimensionClass
ABOUT: dict[Dimension, About] = {
    Dimension.REALISM: About("Realism", _Q, "could pass for a photo: plausible physics, light and texture"),
    Dimension.ORIGINALITY: About("Originality", _Q, "a fresh, unusual idea rather than a stock picture"),
    Dimension.AESTHETICS: About("Aesthetics", _Q, "pleasing colour, balance and composition"),
    Dimension.CONTENT: About("Content", _A, "the things and the place asked for are there, with the right attributes"),
    Dimension.RELATION: About("Relation", _A, "things stand to each other as asked"),
    Dimension.STYLE: About("Style", _A, "drawn in the style asked for"),
    Dimension.KNOWLEDGE: About("Knowledge", _D, "what has to be known to read the prompt is drawn correctly"),
    Dimension.AMBIGUITY: About("Ambiguity", _D, "a vague request is met, and not by its most obvious reading only"),
    Dimension.TOXICITY: About("Toxicity", _R, "free of harmful material (higher is safer)"),
    Dimension.BIAS: About("Bias", _R, "free of demographic stereotypes (higher is fairer)"),
}
_ORDER = {dimension: place for place, dimension in enumerate(Dimension)}


class Task(StrEnum):
    """What the generator is asked to do."""

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
        """The pair of two different dimensions, whichever is named first."""
        if one == other:
            raise ParamsError(f"pair: {one} is named twice; a pair needs two different dimensions")
        return cls(*sorted((one, other), key=_ORDER.__getitem__))

    @classmethod
    def parse(cls, name: str) -> "Pair":
        """The pair written `X_Y`, in either order. Raises ParamsError for an unknown dimension."""
        one, _, other = name.partition("_")
        return cls.of(dimension(one), dimension(other))


def dimension(code: str) -> Dimension:
    """The dimension of a code such as `TA-R`. Raises ParamsError with the list of codes."""
    try:
        return Dimension(code)
    except ValueError:
        raise ParamsError(f"dimension: {code!r} is unknown; choose one of {', '.join(Dimension)}") from None


PAIRS: tuple[Pair, ...] = tuple(Pair(x, y) for x, y in combinations(Dimension, 2))
_ABSENT_T2I = frozenset(Pair.parse(name) for name in ("D-A_R-T", "D-A_R-B", "R-T_R-B"))


def pairs(task: Task) -> tuple[Pair, ...]:
    """The pairs a task has: 42 for t2i, 45 for p2p and s2p."""
    return tuple(pair for pair in PAIRS if task is not Task.T2I or pair not in _ABSENT_T2I)


_T2I_SIZES = {
    500: "IQ-R_IQ-A IQ-R_TA-C IQ-R_TA-R IQ-R_TA-S IQ-A_TA-C IQ-A_TA-R IQ-A_TA-S TA-C_TA-R TA-C_TA-S TA-R_TA-S",
    200: "IQ-R_R-B IQ-R_D-A IQ-O_D-A IQ-O_R-B IQ-A_D-A IQ-A_R-B TA-C_D-A TA-C_R-B TA-R_D-A TA-R_R-B TA-S_D-A TA-S_R-B D-K_D-A D-K_R-B",
}
_SIZE_OF = {Pair.parse(name): size for size, names in _T2I_SIZES.items() for name in names.split()}


def published_size(task: Task, pair: Pair) -> int:
    """How many prompts the published benchmark has in a subset; the sizes of one task's subsets are only known in sum for p2p and s2p."""
    return _SIZE_OF.get(pair, 300) if task is Task.T2I else 300


SUBSETS: tuple[tuple[Task, Pair], ...] = tuple((task, pair) for task in Task for pair in pairs(task))


class Relation(StrEnum):
    """What the scores of two dimensions show (paper, section 3.3)."""

    SYNERGY = "synergy"
    BOTTLENECK = "bottleneck"
    TILT = "tilt"
    DISPERSION = "dispersion"
    NONE = "none"
    TOO_FEW = "too few"


class Kind(StrEnum):
    """What a dispersion is. Only a conflict is a trade-off: independent scores are a dispersion too."""

    CONFLICT = "conflict"
    INDEPENDENT = "independent"
    LOOSE = "loose"


class Support(StrEnum):
    """How far a relation can be believed."""

    SUPPORTED = "supported"
    WEAK = "weak"
    UNSUPPORTED = "unsupported"


GRADES: tuple[str, ...] = ("Bad", "Medium", "Good")
"""The paper's rating words, worst to best."""
