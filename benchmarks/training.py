"""Bars on training: speed beside the plain loop, and a reward hack that is caught."""

import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from time import perf_counter

import numpy as np

from benchmarks.bar import Bar, at_least
from trig import params
from trig.backends.painters.diffusers import Diffusers
from trig.backends.trainers.attention import differentiable
from trig.backends.trainers.diffusers import Lora, Taught
from trig.protocols.generator import Order, Picture
from trig.protocols.tuner import Lessons, Sample
from trig.testing.project import Project

MODEL, PICTURES, STEPS, FASTER = "tiny", 48, 12, 2.0
"""Model; pictures to learn from; steps of each loop, after one to warm up; how many times faster than the plain loop."""


def training(_: Project) -> Iterator[Bar]:
    """Steps a second against the plain loop: the same objective in float32, which encodes pictures and prompts of each batch anew; alternately.

    The bar is that of a base with option `compile`. Beside it what each part of the difference is worth: as the default run trains, and encoding
    anew in the trainer's own dtype.
    """
    if shutil.which(os.environ.get("CXX", "g++")) is None:
        yield Bar("steps a second, times those of the plain loop", "no C++ compiler", f"≥ {FASTER:g}", met=False)
        return
    orders = [Order(f"a {colour} {thing} {place}", seed) for seed, (colour, thing, place) in enumerate(_words())]
    fast, compiled, slow = _tuner("auto"), _tuner("auto", compiled=True), _tuner("float32")
    pictures = [one for one in Diffusers(MODEL, params.load().pipeline(MODEL)).generate(orders) if isinstance(one, Picture)]
    lessons = Lessons.single([Sample(order.prompt, picture.file) for order, picture in zip(orders, pictures, strict=True)])
    taught = fast.taught(lessons)
    ways: Mapping[str, Callable[[int], object]] = {
        "compiled": lambda number: _stepped(compiled, taught, number),
        "kept": lambda number: _stepped(fast, taught, number),
        "anew": lambda number: _stepped(fast, _anew(fast, lessons, number), number),
        "plain": lambda number: _stepped(slow, _anew(slow, lessons, number), number),
    }
    spent: dict[str, list[float]] = {way: [] for way in ways}
    for number in range(STEPS + 1):
        for way, step in ways.items():
            began = perf_counter()
            step(number)
            spent[way].append(perf_counter() - began)
    fastest, kept, anew, plain = (float(np.median(spent[way][1:])) for way in ways)
    yield Bar("steps a second, times those that encode anew in the trainer's dtype", f"{anew / kept:.3g}", "told", True)
    yield Bar(f"steps a second: {1 / kept:.2f}, of the plain loop {1 / plain:.2f}; times as fast", f"{plain / kept:.3g}", "told", True)
    first = f"the first step takes {spent['compiled'][0]:.0f} s"
    yield at_least(f"the same with `compile`: {1 / fastest:.2f}, {first}; times as fast as the plain loop", plain / fastest, FASTER)


def _tuner(dtype: str, *, compiled: bool = False) -> Lora:
    settings = params.load()
    assert settings.finetune
    known = settings.pipeline(MODEL)
    model = known.model_copy(update={"dtype": dtype, "options": known.options.model_copy(update={"compile": compiled})})
    return Lora(Diffusers(MODEL, model), settings.finetune.differing({"policy": "threshold", "loss": "sft"}), settings.seed)


def _anew(tuner: Lora, lessons: Lessons, number: int) -> Taught:
    """The lessons of a batch, encoded."""
    drawn = np.random.default_rng((tuner.seed, number)).integers(0, len(lessons.members), tuner.settings.batch_size)
    return tuner.taught(Lessons.single([lessons.samples[place] for place in drawn]))


def _stepped(tuner: Lora, taught: Taught, number: int) -> None:
    with differentiable(tuner.network):
        tuner.step(taught, number)


def _words() -> Iterator[tuple[str, str, str]]:
    places = "in a meadow", "on a beach", "at night", "in a room"
    for number in range(PICTURES):
        yield ("red", "blue", "green")[number % 3], ("ball", "car", "tree", "cup")[number // 3 % 4], places[number // 12]
