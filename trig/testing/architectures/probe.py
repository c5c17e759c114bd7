"""What the painter makes of each system of the zoo, on a tiny instance of its architecture: what acts, and what a batch changes."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from trig.backends.painters.diffusers import Diffusers
from trig.params.models.diffusers import DiffusersModel
from trig.params.zoo import ZOO, pipelines
from trig.protocols.generator import Order, Picture
from trig.protocols.refusal import Refusal
from trig.testing import factories
from trig.testing.architectures import of_system, small_sources

AVAILABLE = tuple(name for name, system in pipelines().items() if system.unavailable is None)
EDITS, TEXT = "p2p, s2p", "t2i"
"""Rows with a source picture, and rows without."""
PROMPTS = ("a red ball", "a pencil sketch of a blue tree at night", "two dogs")
SIDES = {"ledits-pp": 128}
"""Smallest side at which an architecture works as it does at full size; 64 for the others."""


@dataclass(frozen=True, slots=True)
class Probed:
    """Largest differences of a pixel, in levels of 255; None where the system has no such input."""

    system: str
    rows: str
    batch: int  # of a batch from its rows alone
    prompt: int  # of another prompt
    source: int | None  # of another source
    guidance: int | None  # of twice the guidance
    size: tuple[int, int]  # of a picture, asked for as wide as `wide` says
    wide: tuple[int, int]


def painter(name: str, folder: Path, **changes: Any) -> Diffusers:
    """The painter of a system; `changes` are fields of its entry."""
    side = SIDES.get(name, 64)
    own = {"x": {"width": side, "height": side, **of_system(name, folder), **changes}}
    return Diffusers(name, DiffusersModel.model_validate(ZOO.resolved(own, "params.yaml")["x"]))


def probe(name: str, folder: Path) -> Iterator[Probed]:
    """Figures of a system, for rows of each kind that it paints."""
    tasks = set(pipelines()[name].tasks)
    with small_sources():
        maker = painter(name, folder)
        for rows in (TEXT, EDITS):
            if tasks & set(rows.split(", ")):
                yield _probed(name, maker, folder, rows)


def _probed(name: str, maker: Diffusers, folder: Path, rows: str) -> Probed:
    edits, side = rows == EDITS, SIDES.get(name, 64)
    sources = [factories.png(seed, side, side) if edits else None for seed in range(len(PROMPTS))]
    orders = [Order(prompt, seed, source) for seed, (prompt, source) in enumerate(zip(PROMPTS, sources, strict=True))]
    together = maker.generate(orders)
    alone = [maker.generate([order])[0] for order in orders]
    other = [Order(PROMPTS[1], 0, sources[0])] + ([Order(PROMPTS[0], 0, plain(side))] if edits else [])
    others = [difference(alone[0], each) for each in maker.generate(other)]
    guidance, wide = maker.model.guidance_scale, (side + 32, side)
    broad = borrowed(name, maker, folder, width=wide[0], options={**maker.model.options.model_dump(), "size": "entry"})
    painted = opened(broad.generate(orders[:1])[0]).size
    guided = borrowed(name, maker, folder, guidance_scale=2 * guidance).generate(orders[:1])[0] if guidance > 1 else None
    maker.calls.prepare(maker.pipe, maker.model)
    return Probed(
        name, rows, max(map(difference, together, alone)), others[0], others[1] if edits else None,
        difference(alone[0], guided) if guided else None, painted, wide,
    )  # fmt: skip


def plain(side: int) -> bytes:
    """A picture of one colour, far from noise."""
    file = BytesIO()
    Image.new("RGB", (side, side), (250, 240, 20)).save(file, "PNG")
    return file.getvalue()


def borrowed(name: str, maker: Diffusers, folder: Path, **changes: Any) -> Diffusers:
    """The painter of another entry with the loaded pipeline of this one."""
    other = painter(name, folder, **changes)
    other.pipe = maker.pipe
    other.calls.prepare(other.pipe, other.model)
    return other


def difference(one: Picture | Refusal, other: Picture | Refusal) -> int:
    """Largest difference of a pixel."""
    pair: Sequence[NDArray[np.int16]] = [np.asarray(opened(each), np.int16) for each in (one, other)]
    return int(np.abs(pair[0] - pair[1]).max())


def opened(made: Picture | Refusal) -> Image.Image:
    """The picture. Raises ValueError, which says why, where there is none."""
    if isinstance(made, Refusal):
        raise ValueError(made.reason)
    return Image.open(BytesIO(made.file)).convert("RGB")
