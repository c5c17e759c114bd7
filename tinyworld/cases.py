"""Cases: a request with a scene drawn for it, well or badly; training and test data of the judge."""

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
    """Request with a scene drawn for it."""

    request: Request
    scene: Scene
    about: tuple[Dimension, ...]


def some_case(rng: np.random.Generator, about: tuple[Dimension, ...]) -> Case:
    """Case about the given dimensions: a third fulfil the request, the others deviate in a few or in many ways."""
    request = some_request(rng, about)
    return Case(request, twist(rng, imagine(rng, request), float(rng.choice((0.03, 0.2, 0.5)))), about)


def case_of(rng: np.random.Generator, weights: Mapping[Dimension, float] | None = None) -> Case:
    """Case about two random dimensions, sampled by weight, 1 by default."""
    dimensions = tuple(Dimension)
    p = np.array([weights.get(dimension, 1.0) for dimension in dimensions]) if weights else np.ones(len(dimensions))
    one, other = rng.choice(len(dimensions), 2, replace=False, p=p / p.sum() if weights else None)
    return some_case(rng, (dimensions[one], dimensions[other]))


def picture(case: Case, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Rendering of the case's scene, with wear."""
    return worn(draw(case.scene), case.scene.wear, rng)


def shown_case(seed: int, number: int) -> tuple[Case, NDArray[np.uint8]]:
    """Case by index, and its picture before any autoencoder round trip."""
    rng = np.random.default_rng((seed, number, 7))
    case = case_of(rng)
    return case, picture(case, rng)
