"""Bars on training: speed beside the plain loop, and a reward hack that is caught."""

from collections.abc import Iterator
from time import perf_counter

import numpy as np

from benchmarks.bar import Bar, at_least
from trig import params
from trig.backends.painters.diffusers import Diffusers
from trig.backends.trainers.diffusers import Lora
from trig.protocols.generator import Order, Picture
from trig.protocols.tuner import Lessons
from trig.testing.project import Project

MODEL, PICTURES, STEPS, FASTER = "tiny", 48, 12, 2.0
"""Model; pictures to learn from; steps of each loop, after one to warm up; how many times faster than the plain loop."""


def training(_: Project) -> Iterator[Bar]:
    """Steps a second: latents and embeddings encoded once, against encoding those of each batch anew; alternately, in one process."""
    settings = params.load()
    assert settings.finetune
    base = Diffusers(MODEL, settings.pipeline(MODEL))
    orders = [Order(f"a {colour} {thing} {place}", seed) for seed, (colour, thing, place) in enumerate(_words())]
    pictures = [one for one in base.generate(orders) if isinstance(one, Picture)]
    lessons = Lessons.single([(order.prompt, picture.file) for order, picture in zip(orders, pictures, strict=True)])
    tuner = Lora(base, settings.finetune.differing({"policy": "threshold", "loss": "sft"}), settings.seed)
    taught = tuner.taught(lessons)
    kept, plain = [], []
    for number in range(STEPS + 1):
        began = perf_counter()
        tuner.step(taught, number)
        middle = perf_counter()
        drawn = np.random.default_rng((tuner.seed, number)).integers(0, len(lessons.members), tuner.settings.batch_size)
        tuner.step(tuner.taught(Lessons.single([lessons.samples[place] for place in drawn])), number)
        kept.append(middle - began)
        plain.append(perf_counter() - middle)
    fast, slow = float(np.median(kept[1:])), float(np.median(plain[1:]))
    yield at_least(
        f"steps a second: {1 / fast:.2f} with latents and embeddings kept, {1 / slow:.2f} without; times as fast", slow / fast, FASTER
    )


def _words() -> Iterator[tuple[str, str, str]]:
    places = "in a meadow", "on a beach", "at night", "in a room"
    for number in range(PICTURES):
        yield ("red", "blue", "green")[number % 3], ("ball", "car", "tree", "cup")[number // 3 % 4], places[number // 12]
