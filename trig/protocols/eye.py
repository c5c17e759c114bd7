"""Interface of an eye: a model that embeds pictures and texts in one space, and may score a picture by its prompt without being asked in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trig.vocabulary.dimensions import Dimension


@dataclass(frozen=True, slots=True)
class Look:
    """A picture with its prompt."""

    prompt: str
    picture: Image.Image
    source: Image.Image | None = None  # the source image (p2p) or subject (s2p)


class Eye(Protocol):
    """A loaded eye. Its `of` makes it `Features` too."""

    name: str
    """What it is, in words."""
    revision: str
    """Hash of everything besides picture and text that decides what it says."""
    dimensions: tuple[Dimension, ...]
    """What it scores; none where it only embeds."""

    def of(self, pictures: Sequence[Image.Image]) -> NDArray[np.float64]:
        """Embeddings of pictures, (pictures, d), of length 1."""
        ...

    def texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Embeddings of texts, (texts, d), of length 1."""
        ...

    def similarity(self, looks: Sequence[Look]) -> NDArray[np.float64]:
        """Cosine of each picture and its prompt, in [-1, 1]."""
        ...

    def scores(self, looks: Sequence[Look]) -> list[Mapping[Dimension, float | None]]:
        """Scores in [0, 1] of each picture, of the eye's dimensions; None where it cannot tell."""
        ...
