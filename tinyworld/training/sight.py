"""Pretraining of the judge's vision tower: position, kind and colour of things, style and place.

A step takes a third of the time of the whole judge's, and this is what the judge would learn first and slowest.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import Qwen2VLImageProcessor

from tinyworld.cases import Case, case_of, picture, shown_case
from tinyworld.scene import COLOURS, HAIRS, KINDS, PLACES, ROLES, SKINS, STYLES, Scene
from tinyworld.training.judge import Eyes, Tower
from tinyworld.training.loop import Course, Step, device, train
from tinyworld.training.processor import TOKENS, patches

ABSENT = ""
OF_A_THING = {
    "kind": KINDS,
    "colour": COLOURS,
    "role": ROLES,
    "skin": SKINS,
    "hair": HAIRS,
    "column": tuple(range(4)),
    "row": tuple(range(3)),
}
OF_A_SCENE = {"style": STYLES, "place": PLACES, "wear": tuple(range(4))}


def _answers(scene: Scene) -> tuple[list[list[int]], list[int]]:
    """Class of each field for each of two things (left to right, top to bottom) and for the scene; 0 is none."""

    def index(options: tuple[object, ...], value: object) -> int:
        return options.index(value) + 1 if value != ABSENT else 0

    things = scene.in_order
    rows = []
    for thing in things:
        said = {
            "kind": thing.kind,
            "colour": thing.colour,
            "role": thing.role,
            "skin": thing.skin,
            "hair": thing.hair,
            "column": min(3, int(thing.x * 4)),
            "row": min(2, int(thing.y * 3)),
        }
        rows.append([index(options, said[name]) for name, options in OF_A_THING.items()])
    rows += [[0] * len(OF_A_THING)] * (2 - len(rows))
    whole = {"style": scene.style, "place": scene.place, "wear": min(3, int(np.ceil(scene.wear * 3)))}
    return rows, [index(options, whole[name]) for name, options in OF_A_SCENE.items()]


class Sight(nn.Module):
    """Vision tower with three classifiers on its tokens: first thing, second thing, scene."""

    def __init__(self, tower: Tower, width: int) -> None:
        super().__init__()
        self.eyes = Eyes(tower)
        self.ask = nn.Parameter(torch.randn(3, width) * 0.02)
        self.places = nn.Parameter(torch.randn(TOKENS, width) * 0.02)
        self.look = nn.MultiheadAttention(width, 6, batch_first=True)
        self.think = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.thing = nn.ModuleDict({name: nn.Linear(width, len(options) + 1) for name, options in OF_A_THING.items()})
        self.scene = nn.ModuleDict({name: nn.Linear(width, len(options) + 1) for name, options in OF_A_SCENE.items()})

    def forward(self, pixels: Tensor) -> Tensor:
        """Pooled states (B, 3, width) of pictures given as patches (B·64, 384)."""
        tokens = self.eyes(pixels).unflatten(0, (-1, TOKENS)) + self.places
        asked = self.ask.expand(len(tokens), -1, -1)
        seen = asked + self.look(asked, tokens, tokens, need_weights=False)[0]
        out: Tensor = seen + self.think(seen)
        return out


def losses(model: Sight, images: Qwen2VLImageProcessor, round_trips: Path, batch: int, seed: int) -> Callable[[int], dict[str, Tensor]]:
    """Cross-entropy of every field; half of the pictures are autoencoder round trips."""
    shown = load_file(round_trips)["pictures"].numpy()

    def pictures(step: int) -> tuple[list[Case], NDArray[np.uint8]]:
        rng = np.random.default_rng((seed, step, 5))
        cases = [case_of(rng) for _ in range(batch // 2)]
        drawn = [picture(case, rng) for case in cases]
        rows = rng.integers(0, len(shown), batch - len(cases))
        return [*cases, *(shown_case(seed, int(row))[0] for row in rows)], np.stack([*drawn, *shown[rows]])

    def of(step: int) -> dict[str, Tensor]:
        cases, drawn = pictures(step)
        seen = model(patches(drawn, images).to(device()))
        answers = [_answers(case.scene) for case in cases]
        things = torch.tensor([rows for rows, _ in answers], device=seen.device)
        scenes = torch.tensor([row for _, row in answers], device=seen.device)
        parts = {
            name: F.cross_entropy(model.thing[name](seen[:, :2]).flatten(0, 1), things[..., column].flatten())
            for column, name in enumerate(OF_A_THING)
        }
        return parts | {name: F.cross_entropy(model.scene[name](seen[:, 2]), scenes[:, column]) for column, name in enumerate(OF_A_SCENE)}

    return of


def fit(
    out: Path, work: Path, tower: Tower, width: int, images: Qwen2VLImageProcessor, round_trips: Path, course: Course
) -> Iterator[Step]:
    """Trains the tower and saves its weights."""
    torch.manual_seed(course.seed)
    model = Sight(tower, width).to(device())
    yield from train(
        model,
        course,
        losses(model, images, round_trips, course.batch, course.seed),
        work / "sight.safetensors",
        (round_trips,),
        (model.eyes,),
    )
    save_file({name: value.contiguous() for name, value in model.eyes.tower.state_dict().items()}, out)
