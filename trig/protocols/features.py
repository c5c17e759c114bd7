"""Interface of image features: what makes two pictures alike."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image


class Features(Protocol):
    """An embedding of pictures; its cosine is their likeness."""

    name: str
    """What it is, in words: the report says what likeness means by it."""
    revision: str
    """Hash of everything besides the picture that decides its features."""

    def of(self, pictures: Sequence[Image.Image]) -> NDArray[np.float64]:
        """Features, (pictures, d), none of length 0; each is a function of its picture only."""
        ...
