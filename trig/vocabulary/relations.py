"""Trade-off relations between two dimensions (arXiv 2507.22100, section 3.3)."""

from enum import StrEnum


class Relation(StrEnum):
    """Trade-off relation of two dimensions (paper, section 3.3)."""

    SYNERGY = "synergy"
    BOTTLENECK = "bottleneck"
    TILT = "tilt"
    DISPERSION = "dispersion"
    NONE = "none"
    TOO_FEW = "too few"


class Kind(StrEnum):
    """Kind of a dispersion. Only a conflict (negative correlation) is a trade-off; independent scores are a dispersion too."""

    CONFLICT = "conflict"
    INDEPENDENT = "independent"
    LOOSE = "loose"


class Support(StrEnum):
    """Strength of the evidence for a relation."""

    SUPPORTED = "supported"
    WEAK = "weak"
    UNSUPPORTED = "unsupported"
