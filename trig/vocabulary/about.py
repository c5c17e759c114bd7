"""Names and descriptions of the ten dimensions (arXiv 2507.22100, section 3)."""

from dataclasses import dataclass
from enum import StrEnum

from trig.vocabulary.dimensions import Dimension


class DimensionClass(StrEnum):
    """Category of dimensions."""

    QUALITY = "Image Quality"
    ALIGNMENT = "Task Alignment"
    DIVERSITY = "Diversity"
    ROBUSTNESS = "Robustness"


@dataclass(frozen=True, slots=True)
class About:
    """Display text of a dimension; `high` describes a score of 1."""

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
