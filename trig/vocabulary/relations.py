"""What two dimensions show together (arXiv 2507.22100, section 3.3)."""

from enum import StrEnum


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
