"""Bars on diversity: the Vendi score's ends, and the tiny painter in 16 steps against itself in 4, whatever the sign."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from benchmarks.bar import Bar, at_most
from trig import params
from trig.backends import painters
from trig.figures.measures import figures
from trig.figures.plain import Plain
from trig.generate.plan import seed_of
from trig.keys import prompt_key
from trig.params import Params
from trig.pictures import pixels
from trig.protocols.generator import Order, Picture
from trig.stats.clustered import Tested, clustered_mean
from trig.stats.diversity import mean_distance, vendi
from trig.testing.project import Project
from trig.vocabulary.about_figures import ABOUT
from trig.vocabulary.dimensions import Task
from trig.vocabulary.figures import Figure

BASE, HURRIED = "tiny", "tiny-turbo"
PROMPTS, SEEDS, BATCH = 48, 4, 32
EXACT = 1e-9
DIMENSIONS = 256
"""Length of the features in the laws' test."""
Floats = NDArray[np.float64]


def diversity(_: Project) -> Iterator[Bar]:
    """The two laws on features and on a picture, then both models on the same prompts and seeds."""
    draw = np.random.default_rng(0)
    same, apart = np.tile(draw.random(DIMENSIONS), (SEEDS, 1)), np.linalg.qr(draw.normal(size=(DIMENSIONS, SEEDS)))[0].T
    yield at_most("Vendi score of identical pictures, off 1 by", abs(vendi(same) - 1), EXACT)
    yield at_most(f"Vendi score of {SEEDS} orthogonal features, off {SEEDS} by", abs(vendi(apart) - SEEDS), EXACT)
    settings = params.load()
    texts = _texts()
    base, hurried = (_measured(settings, model, texts) for model in (BASE, HURRIED))
    alike = np.repeat(base[0][0][:1], SEEDS, axis=0)
    yield at_most("Vendi score of one painted picture four times, off 1 by", abs(vendi(alike) - 1), EXACT)
    for name, of in (("Vendi score, 1 to 4", vendi), ("mean cosine distance", mean_distance)):
        yield from _told(name, *(np.array([of(one) for one in features]) for features, _ in (base, hurried)))
    for figure in Figure:
        yield from _told(ABOUT[figure].name.lower(), base[1][figure], hurried[1][figure])


def _told(name: str, base: Floats, hurried: Floats) -> Iterator[Bar]:
    """Means of both models and their paired difference over prompts. A difference of any sign is a result; one without an interval misses."""
    roots = np.arange(base.size)
    means = f"{BASE} {_interval(clustered_mean(base, roots))}, {HURRIED} {_interval(clustered_mean(hurried, roots))}"
    change = clustered_mean(hurried - base, roots)
    yield Bar(f"{name}: {means}; difference", _interval(change, "+"), "an interval, whatever the sign", change.low is not None)


def _interval(found: Tested, sign: str = "") -> str:
    if found.low is None or found.high is None:
        return "–"
    return f"{found.value:{sign}.3f} ({found.low:{sign}.3f} to {found.high:{sign}.3f})"


def _texts() -> list[str]:
    """Prompts of the tiny world, over its dimensions."""
    from tinyworld import evaluate

    found = dict.fromkeys(case.request.text for _, case, _ in evaluate.cases(PROMPTS // 8))
    return list(found)[:PROMPTS]


def _measured(settings: Params, model: str, texts: Sequence[str]) -> tuple[list[Floats], dict[Figure, Floats]]:
    """Features of each prompt's pictures, (SEEDS, d), and each figure as the mean of a prompt's pictures. Both models get the same noise."""
    painter = painters.load(settings, model)
    keys = {text: prompt_key(Task.T2I.value, text, None) for text in texts}
    orders = [Order(text, seed_of(settings.seed, key, number)) for text, key in keys.items() for number in range(SEEDS)]
    made = [one for start in range(0, len(orders), BATCH) for one in painter.generate(orders[start : start + BATCH])]
    shown = [pixels(one.file) for one in made if isinstance(one, Picture)]
    features = Plain().of(shown).reshape(len(texts), SEEDS, -1)
    rows = [figures(picture) for picture in shown]
    return list(features), {figure: np.array([row[figure] for row in rows]).reshape(-1, SEEDS).mean(axis=1) for figure in Figure}
