"""Cases: a request with a scene drawn for it, well or badly. They teach the judge, and they test it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinyworld.language import Request, imagine, some_request, twist
from tinyworld.render import draw, worn
from tinyworld.scene import Scene
from trig.vocabulary.dimensions import Dimension


@dataclass(frozen=True, slots=True)
class Case:
    """A request and a scene drawn for it, well or badly."""

    request: Request
    scene: Scene
    about: tuple[Dimension, ...]


def some_case(rng: np.random.Generator, about: tuple[Dimension, ...]) -> Case:
    """A case about the given dimensions: a third are as asked, the others go wrong in a few or in many ways."""
    request = some_request(rng, about)
    return Case(request, twist(rng, imagine(rng, request), float(rng.choice((0.03, 0.2, 0.5)))), about)


def case_of(rng: np.random.Generator, weights: Mapping[Dimension, float] | None = None) -> Case:
    """A case about any two dimensions, each drawn with its weight, 1 where it has none."""
    dimensions = tuple(Dimension)
    p = np.array([weights.get(dimension, 1.0) for dimension in dimensions]) if weights else np.ones(len(dimensions))
    one, other = rng.choice(len(dimensions), 2, replace=False, p=p / p.sum() if weights else None)
    return some_case(rng, (dimensions[one], dimensions[other]))


def picture(case: Case, rng: np.random.Generator) -> NDArray[np.uint8]:
    """The case's scene, drawn and worn."""
    return worn(draw(case.scene), case.scene.wear, rng)


def shown_case(seed: int, number: int) -> tuple[Case, NDArray[np.uint8]]:
    """The case of a number, and its picture before any round trip."""
    rng = np.random.default_rng((seed, number, 7))
    case = case_of(rng)
    return case, picture(case, rng)
