"""Is it the picture or the scorer? Drawings whose pixels change while all that they show stays, so that the truth of every dimension stays too.

A score that rises with saturation here is the judge's bias; along a knob that saturates pictures, so much of the gain is no gain.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import polars as pl
from PIL import Image, ImageEnhance

from tinyworld.cases import Case
from tinyworld.evaluate import Picture
from trig.figures.measures import figures
from trig.stats.clustered import clustered_mean
from trig.vocabulary.dimensions import Dimension

ALTERED: Mapping[str, Callable[[Image.Image], Image.Image]] = {
    "saturation × 1.3": lambda picture: ImageEnhance.Color(picture).enhance(1.3),
    "saturation × 0.7": lambda picture: ImageEnhance.Color(picture).enhance(0.7),
    "contrast × 1.3": lambda picture: ImageEnhance.Contrast(picture).enhance(1.3),
    "brightness × 0.7": lambda picture: ImageEnhance.Brightness(picture).enhance(0.7),
    "sharpness × 2": lambda picture: ImageEnhance.Sharpness(picture).enhance(2.0),
}
"""What guidance, steps and adapters do to pixels, by name."""


def altered(picture: Picture, how: str) -> Picture:
    """The same scene in other pixels."""
    return np.asarray(ALTERED[how](Image.fromarray(picture)))


def moved(
    asked: Sequence[tuple[Dimension, Case, Picture]], plain: Sequence[float | None], scores: Mapping[str, Sequence[float | None]]
) -> pl.DataFrame:
    """Mean change of the judge's score under each alteration, per dimension, with the paired 95 % interval over cases.

    Cases without both scores are counted in `nulls` and left out; a change over none of them is null.
    """
    found = []
    for dimension in Dimension:
        own = [index for index, (about, *_) in enumerate(asked) if about is dimension]
        for how, after in scores.items():
            change = np.array([b - a for index in own if (a := plain[index]) is not None and (b := after[index]) is not None])
            told = clustered_mean(change, np.arange(len(change))) if len(change) else None
            found.append(
                {"dimension": dimension.value, "altered": how, "n": len(own), "nulls": len(own) - len(change)}
                | {"change": told and told.value, "low": told and told.low, "high": told and told.high}
            )
    return pl.DataFrame(found)


def measured(pictures: Sequence[Picture]) -> dict[str, dict[str, float]]:
    """Mean change of each weight-free figure under each alteration."""
    before = pl.DataFrame([_figures(picture) for picture in pictures]).mean()
    return {
        how: {name: after[name].item() - before[name].item() for name in before.columns}
        for how in ALTERED
        for after in [pl.DataFrame([_figures(altered(picture, how)) for picture in pictures]).mean()]
    }


def _figures(picture: Picture) -> dict[str, float]:
    return {figure.value: value for figure, value in figures(Image.fromarray(picture)).items()}
