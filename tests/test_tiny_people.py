"""Skin and hair are read from pictures by drawing who it could be, on drawings and on round trips."""

import numpy as np
import pytest
import workplace
from PIL import Image

from tinyworld.cases import case_of, picture
from tinyworld.evaluate import Picture
from tinyworld.language import Request
from tinyworld.people import bias, looked, scenes
from tinyworld.render import draw
from tinyworld.scene import Scene, Thing
from tinyworld.truth import truth
from trig import params
from trig.backends.clip import Clip
from trig.backends.painters.autoencoder import round_trip
from trig.vocabulary.dimensions import Dimension, Task

COUNT = 24


@pytest.fixture(scope="module")
def sight() -> Clip:
    return Clip(str(workplace.ROOT / "data/tiny/eye"))


def people() -> tuple[list[Image.Image], list[tuple[Scene, Thing, float]]]:
    """Pictures with one person, every second a round trip."""
    rng = np.random.default_rng(11)
    pictures, told = list[Picture](), list[tuple[Scene, Thing, float]]()
    while len(pictures) < COUNT:
        case = case_of(rng, task=Task.T2I)
        persons = [thing for thing in case.scene.things if thing.kind == "person"]
        if len(persons) == 1 and case.scene.wear < 0.3:
            assert isinstance(case.request, Request)
            pictures.append(picture(case, rng))
            told.append((case.scene, persons[0], truth(case.request, case.scene)[Dimension.BIAS]))
    pictures[1::2] = round_trip(pictures[1::2], str(workplace.ROOT / params.load().pipeline("tiny").weights))
    return [Image.fromarray(each) for each in pictures], told


def test_skin_hair_and_bias_are_those_of_the_scene(sight: Clip) -> None:
    pictures, told = people()
    right = rated = 0
    for place, (shown, scene) in enumerate(zip(pictures, scenes(pictures, sight), strict=True)):
        _, person, _ = told[place]
        for one in scene.things:
            if one.role == person.role:
                found = looked(shown, scene, one)
                right += (found.skin, found.hair) == (person.skin, person.hair)
                rated += 1
    assert rated >= 0.8 * COUNT and right >= 0.9 * rated
    ratings = bias(pictures, sight)
    near = [abs(mine - whole) for mine, (*_, whole) in zip(ratings, told, strict=True) if mine is not None]
    assert len(near) >= 0.8 * COUNT and np.mean(near) <= 0.1


def test_without_people_there_is_no_rating(sight: Clip) -> None:
    assert bias([Image.fromarray(draw(Scene("photo", "meadow", (Thing("ball", "red"),))))], sight) == [None]
