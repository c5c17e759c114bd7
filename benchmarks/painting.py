"""Bars on the stage generate, with the tiny painter: batches against single pictures, and the whole against the plain loop."""

import sys
import time
from collections.abc import Iterator, Sequence
from io import BytesIO
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import polars as pl
from diffusers.models.transformers import transformer_flux
from PIL import Image

from benchmarks.bar import Bar, at_least, at_most
from trig import generate, params, tables
from trig.backends import painters
from trig.backends.executors.local import Local
from trig.backends.rotary import DIFFUSERS, NAME, rotated
from trig.generate.plan import plan
from trig.protocols.generator import Generator, Order, Picture
from trig.protocols.refusal import Refusal
from trig.store import Store
from trig.tables.images import IMAGES
from trig.tables.prompts import PROMPTS, split
from trig.tables.sources import Library
from trig.testing.programs import run
from trig.testing.project import Project
from trig.vocabulary.dimensions import Task

BATCH, COMPARED, LOOPED, TURNS = 16, 64, 500, 6
PLAIN = """
import sys
import polars as pl, torch
from diffusers import DiffusionPipeline
pipe = DiffusionPipeline.from_pretrained("data/tiny/painter", dtype=torch.float32, local_files_only=True)
pipe.set_progress_bar_config(disable=True)
for number, prompt in enumerate(pl.read_parquet(sys.argv[1])["prompt"]):
    generator = torch.Generator().manual_seed(number)
    made = pipe(prompt=prompt, num_inference_steps=int(sys.argv[3]), true_cfg_scale=3.0, negative_prompt="", width=64, height=64,
                max_area=64 * 64, _auto_resize=False, generator=generator, max_sequence_length=32)
    made.images[0].save(f"{sys.argv[2]}/{number}.png")
"""
"""What a user writes first: a call per prompt. A picture at a time, float32 is faster on a CPU than bfloat16."""


class Timed:
    """Seconds inside a generator. Satisfies `Generator`."""

    def __init__(self, real: Generator) -> None:
        self.real, self.revision, self.engine, self.seconds = real, real.revision, real.engine, 0.0

    def generate(self, orders: Sequence[Order]) -> list[Picture | Refusal]:
        """As the generator does."""
        began = time.monotonic()
        made = self.real.generate(orders)
        self.seconds += time.monotonic() - began
        return made


def painting(project: Project) -> Iterator[Bar]:
    """Batches, overhead, and 500 pictures both ways."""
    settings = params.load()
    settings = settings.model_copy(update={"generate": settings.generate.model_copy(update={"batch_size": BATCH})})
    test = split(tables.read(project.done / "data/prompts.parquet", PROMPTS), "test")
    prompts = test.filter(task=Task.T2I.value).unique("key", maintain_order=True)
    painter = Timed(painters.load(settings, "tiny"))
    orders = [Order(prompt, seed) for seed, prompt in enumerate(prompts["prompt"].head(COMPARED))]
    painter.generate(orders[:BATCH])  # warms up
    alone, single = _painted(painter, orders, 1)
    batched, together = _painted(painter, orders, BATCH)
    yield at_least(f"batches of {BATCH} against one at a time ({COMPARED / batched:.1f} pictures/s), times", alone / batched, 3)
    yield at_least("pictures made both ways", min(len(single), len(together)), COMPARED)
    pairs = zip(single, together, strict=True)
    yield at_most("largest mean difference of a picture from itself alone, of 255", max(float(np.abs(a - b).mean()) for a, b in pairs), 1)
    faster, changed = _turned(painter, orders[:BATCH])
    yield at_least("queries and keys turned as complex numbers against diffusers' way, a batch, times", faster, 1.02)
    yield at_most("pictures that this changes", changed, 0)
    yield at_most("share of the stage outside the painter", _overhead(painter, prompts.head(COMPARED * 4), settings), 0.10)
    with TemporaryDirectory() as place:
        wanted = prompts.head(LOOPED)
        file = Path(place) / "prompts.parquet"
        wanted.write_parquet(file)
        stage = run(sys.executable, "-m", "benchmarks.painting", str(file), place)
        plain = run(sys.executable, "-c", PLAIN, str(file), place, str(settings.pipeline("tiny").steps))
        kept = tables.read(Path(place) / "images", IMAGES).filter(pl.col("status") == "ok").height
        yield at_least("pictures that the whole stage made", kept, wanted.height)
        yield at_least(
            f"whole stage against the plain loop, {kept} pictures ({stage.seconds:.0f} s), times", plain.seconds / stage.seconds, 3
        )


def _painted(painter: Generator, orders: Sequence[Order], size: int) -> tuple[float, list[np.ndarray]]:
    """Seconds and pixels."""
    began = time.monotonic()
    made = [one for start in range(0, len(orders), size) for one in painter.generate(orders[start : start + size])]
    seconds = time.monotonic() - began
    return seconds, [np.asarray(Image.open(BytesIO(one.file)), dtype=float) for one in made if isinstance(one, Picture)]


def _turned(painter: Generator, orders: Sequence[Order]) -> tuple[float, int]:
    """How many times as long a batch takes with diffusers' own rotary embedding, the fastest of each by turns; and the pictures that differ."""
    best, files = {rotated: inf, DIFFUSERS: inf}, {}
    for rotate in (DIFFUSERS, rotated) * TURNS:
        setattr(transformer_flux, NAME, rotate)
        began = time.monotonic()
        files[rotate] = [one.file for one in painter.generate(orders) if isinstance(one, Picture)]
        best[rotate] = min(best[rotate], time.monotonic() - began)
    return best[DIFFUSERS] / best[rotated], sum(a != b for a, b in zip(*files.values(), strict=True))


def _overhead(painter: Timed, prompts: pl.DataFrame, settings: params.Params) -> float:
    """Share of the stage's time in which nothing is painted."""
    painter.seconds = 0.0
    began = time.monotonic()
    with TemporaryDirectory() as place:
        _stage(painter, prompts, settings, Path(place))
    return 1 - painter.seconds / (time.monotonic() - began)


def _stage(painter: Generator, prompts: pl.DataFrame, settings: params.Params, root: Path) -> None:
    with Store.open(root / "work") as store:
        planned = plan(prompts, painter, settings.seed)
        for _ in generate.shards(planned, Library(), "tiny", settings, painter, Local(painter), store, root / "images"):
            pass


def main(prompts: Path, root: Path) -> None:
    """The stage as a program: these prompts, into an empty folder, as shipped."""
    settings = params.load()
    _stage(painters.load(settings, "tiny"), pl.read_parquet(prompts), settings, root)


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
