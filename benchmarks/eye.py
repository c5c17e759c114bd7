"""Bars on the second eye: its scores against the truth, and the attributes it reads, on scenes that it never saw."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from PIL import Image

from benchmarks.bar import Bar, at_least
from tinyworld import evaluate
from tinyworld.cases import Case
from tinyworld.eye import LEVELS, PARTS, PICTURE, TEXT, asked, seen
from tinyworld.render import draw
from tinyworld.scene import Thing, stand
from trig import params
from trig.backends.heads.card import Read
from trig.backends.heads.scores import value
from trig.protocols.eye import Look
from trig.testing.project import Project
from trig.vocabulary.dimensions import Dimension, Task

if TYPE_CHECKING:
    from trig.backends.clip import Clip

PLACE, AUTOENCODER = "data/tiny/eye", "tiny"
COUNT = 200
"""Cases per dimension; every second picture is a round trip."""
TRUTH, CLEAN, SHOWN = 0.80, 0.95, 0.90
NEAR = 0.125
"""How far off wear may be, in shares of the whole."""
Shown = Sequence[tuple[Dimension, Case, evaluate.Picture]]
Reading = tuple[dict[str, str | float], Mapping[str, str | float]]
"""What is read of a picture or a prompt, and what is there."""


def eye(_: Project) -> Iterator[Bar]:
    """Scores of each task, attributes of pictures and prompts, and the likeness of pictures and their prompts."""
    from trig.backends.clip import Clip

    sight = Clip(PLACE)
    for task in Task:
        shown = [each for each in evaluate.cases(COUNT, task) if each[0] in sight.dimensions]
        looks = _looks(shown)
        yield from _scored(sight, task, shown, looks)
        if task is Task.T2I:
            yield from _read(sight, shown, looks)
            yield from _matched(sight, shown, looks)


def _looks(shown: Shown) -> list[Look]:
    from trig.backends.painters.autoencoder import round_trip

    pictures = [picture for _, _, picture in shown]
    pictures[1::2] = round_trip(pictures[1::2], params.load().pipeline(AUTOENCODER).weights)
    sources = [Image.fromarray(draw(case.source)) if case.source else None for _, case, _ in shown]
    return [
        Look(case.request.text, Image.fromarray(picture), source)
        for (_, case, _), picture, source in zip(shown, pictures, sources, strict=True)
    ]


def _scored(sight: "Clip", task: Task, shown: Shown, looks: Sequence[Look]) -> Iterator[Bar]:
    """Of single pictures a bar, of edits and subjects a figure."""
    scores = [row[about] for (about, *_), row in zip(shown, sight.scores(looks), strict=True)]
    found = evaluate.agreement(shown, scores, [number % 2 == 1 for number in range(len(shown))])
    for row in found.filter(pl.col("n") > pl.col("nulls")).iter_rows(named=True):
        trips = f"drawings {row['rho_drawn']:.2f}, round trips {row['rho_round_trip']:.2f}"
        what = f"second eye against truth, {task}, {row['dimension']}, {row['n']} cases ({trips}), Spearman's rho"
        yield at_least(what, row["rho"], TRUTH) if task is Task.T2I else Bar(what, f"{row['rho']:.3f}", "told", True)


def _read(sight: "Clip", shown: Shown, looks: Sequence[Look]) -> Iterator[Bar]:
    """Clean scenes are drawings without wear; of the round trips a quarter are worn. A bar on the mean of the attributes, and each as a figure."""
    pictures = _readings(sight.read("picture", [look.picture for look in looks]), PICTURE, [seen(case.scene) for _, case, _ in shown])
    clean = [
        each for number, (each, (_, case, _)) in enumerate(zip(pictures, shown, strict=True)) if number % 2 == 0 and not case.scene.wear
    ]
    for name, rows, limit in (("clean scenes", clean, CLEAN), ("round trips", pictures[1::2], SHOWN)):
        shares = _right(rows)
        yield at_least(f"attributes read right, mean, {len(rows)} {name}", float(np.mean([*shares.values()])), limit)
        for attribute, share in shares.items():
            yield Bar(f"attribute read right, {name}: {attribute}", f"{share:.3f}", "told", True)
    prompts = _readings(sight.read("text", [look.prompt for look in looks]), TEXT, [asked(case.request) for _, case, _ in shown])
    whole = [all(read[name] == truth for name, truth in wanted.items()) for read, wanted in prompts]
    yield at_least("prompts of which every attribute is read right, share", float(np.mean(whole)), CLEAN)


def _matched(sight: "Clip", shown: Shown, looks: Sequence[Look]) -> Iterator[Bar]:
    """Whether a picture that fulfils its prompt is more like it than like a prompt of another case."""
    own, other = (np.array(sight.similarity(each)) for each in (looks, _swapped(looks)))
    good = np.array([case.ratings[Dimension.CONTENT] > 0.9 for _, case, _ in shown])
    yield at_least("pictures nearer to the prompt that they fulfil than to another case's, share", float((own > other)[good].mean()), CLEAN)


def _swapped(looks: Sequence[Look]) -> list[Look]:
    half = len(looks) // 2
    return [Look(other.prompt, look.picture) for look, other in zip(looks, [*looks[half:], *looks[:half]], strict=True)]


def _readings(read: Read, of: Mapping[str, tuple[str, ...]], truths: Sequence[Mapping[str, str | float]]) -> list[Reading]:
    """Likeliest class of each attribute, or its expected value, beside the truth."""
    columns: dict[str, list[str | float]] = {}
    for name, classes in of.items():
        levels = LEVELS.get(name.rpartition(".")[2])
        columns[name] = [*value(read[name], levels)] if levels else [classes[place] for place in read[name].argmax(axis=1)]
    return [({name: rows[number] for name, rows in columns.items()}, truth) for number, truth in enumerate(truths)]


def _right(rows: Sequence[Reading]) -> dict[str, float]:
    """Share read right of each attribute of the things that are there, of how they stand, and of the whole."""
    found: dict[str, list[bool]] = {}
    for read, truth in rows:
        for name, wanted in truth.items():
            attribute = name.rpartition(".")[2]
            if isinstance(wanted, str) and wanted:
                found.setdefault(attribute, []).append(read[name] == wanted)
        found.setdefault("wear", []).append(abs(float(read["wear"]) - float(truth["wear"])) < NEAR)
        found.setdefault("things", []).append(_there(read) == _there(truth))
        if len(_there(truth)) > 1:
            found.setdefault("relation", []).append(_stands(read) == _stands(truth))
    return {name: float(np.mean(each)) for name, each in found.items()}


def _there(answers: Mapping[str, str | float]) -> list[str]:
    return [part for part in PARTS if answers[f"{part}.kind"]]


def _stands(answers: Mapping[str, str | float]) -> list[str]:
    """How each thing stands to the next."""
    placed = [part for part in _there(answers) if f"{part}.across" in answers]
    things = [Thing("", "", float(answers[f"{part}.across"]), float(answers[f"{part}.down"])) for part in placed]
    return [stand(one, other) for one, other in pairwise(things)]
