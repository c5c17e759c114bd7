"""Small valid tables, and pictures, for any test. Each call gives the same bytes."""

from collections.abc import Iterable, Iterator, MutableSequence, Sequence
from io import BytesIO

import numpy as np
import polars as pl
from PIL import Image

from trig import tables
from trig.keys import content_key, prompt_key
from trig.protocols.judge import Answer, Labels, Question
from trig.protocols.refusal import Refusal
from trig.tables.images import IMAGES
from trig.tables.prompts import PROMPTS
from trig.tables.relations import INTERVALS, RELATIONS
from trig.tables.scores import SCORES
from trig.vocabulary.dimensions import Pair, Task
from trig.vocabulary.relations import Relation

SUBSETS: tuple[tuple[Task, Pair], ...] = tuple((Task.T2I, Pair.parse(name)) for name in ("IQ-R_TA-C", "IQ-A_TA-S", "TA-R_D-K"))
PER_SUBSET = 4
GRADE_SCORES = (0.0, 0.5, 1.0)


def png(seed: int = 0, width: int = 8, height: int = 8) -> bytes:
    """A picture of coloured noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def prompts(subsets: Iterable[tuple[Task, Pair]] = SUBSETS, per_subset: int = PER_SUBSET, train: int = 2) -> pl.DataFrame:
    """A prompts table: `per_subset` test prompts a subset, numbered from 1, and `train` more of the train split."""
    rows = [_prompt(task, pair, number, number <= per_subset) for task, pair in subsets for number in range(1, per_subset + train + 1)]
    return tables.check(pl.DataFrame(rows, schema=dict(PROMPTS.columns)), PROMPTS, "factory")


def _prompt(task: Task, pair: Pair, number: int, test: bool) -> dict[str, object]:
    phrases = [f"thing {number}", f"drawn for {pair}"]
    prompt, source_image = f"A {phrases[0]}, {phrases[1]}.", None if task is Task.T2I else png(number)
    return {
        "task": task.value,
        "pair": str(pair),
        "data_id": f"{pair}_{number}",
        "prompt": prompt,
        "sub_prompts": phrases,
        "source": "factory",
        "annotator": "template",
        "parent": f"caption {pair} {number}",
        "item": "thing" if task is Task.S2P else None,
        "source_image": source_image,
        "split": "test" if test else "train",
        "key": prompt_key(task.value, prompt, source_image),
    }


def images(frame: pl.DataFrame, model: str = "tiny", width: int = 8, height: int = 8) -> pl.DataFrame:
    """The images of the test prompts of a prompts table."""
    rows = [
        {
            "model": model,
            "task": task,
            "pair": pair,
            "data_id": data_id,
            "number": 0,
            "image": {"bytes": png(place, width, height), "path": f"{data_id}.png"},
            "seed": place,
            "width": width,
            "height": height,
            "status": "ok",
            "reason": None,
            "engine": "factory 1",
            "prompt_tokens": 12,
            "tokens_read": 12,
            "key": content_key(model=model, task=task, data_id=data_id),
        }
        for place, (task, pair, data_id) in enumerate(_test_prompts(frame))
    ]
    return tables.check(pl.DataFrame(rows, schema=dict(IMAGES.columns)), IMAGES, "factory")


def scores(frame: pl.DataFrame, model: str = "tiny") -> pl.DataFrame:
    """The scores of the test prompts of a prompts table on both dimensions of their pair, each with a distribution of its own."""
    asked = [(row, dimension) for row in _test_prompts(frame) for dimension in row[1].split("_")]
    rows = [_score(model, *row, dimension, place) for place, (row, dimension) in enumerate(asked)]
    return tables.check(pl.DataFrame(rows, schema=dict(SCORES.columns)), SCORES, "factory")


def _score(model: str, task: str, pair: str, data_id: str, dimension: str, place: int) -> dict[str, object]:
    p = np.random.default_rng(place).dirichlet(np.ones(len(GRADE_SCORES)))
    expected, confidence = float(p @ GRADE_SCORES), float(p.max())
    return {
        "model": model,
        "task": task,
        "pair": pair,
        "data_id": data_id,
        "number": 0,
        "dimension": dimension,
        "scorer": "factory",
        "score_trig": confidence * expected,
        "expected": expected,
        "confidence": confidence,
        "off_mass": 0.01,
        "p": p.tolist(),
        "status": "ok",
        "reason": None,
        "scale": "Bad/Medium/Good",
        "max_pixels": 1003520,
        "reference_image": "source",
        "judge": "factory@1",
        "engine": "factory 1",
        "dtype": None,
        "mode": "exact",
        "rubric": content_key(dimension=dimension),
        "tokens": None,
        "cached": None,
        "picture_tokens": None,
        "image_key": content_key(model=model, task=task, data_id=data_id),
        "key": content_key(model=model, task=task, data_id=data_id, dimension=dimension),
    }


def relations(subsets: Sequence[tuple[Task, Pair]] = SUBSETS, models: Sequence[str] = ("tiny",)) -> pl.DataFrame:
    """A relations table in which the relations take turns."""
    found = [Relation.SYNERGY, Relation.TILT, Relation.BOTTLENECK, Relation.DISPERSION, Relation.NONE]
    rows = [_relation(model, task, pair, found[place % len(found)]) for model in models for place, (task, pair) in enumerate(subsets)]
    return tables.check(pl.DataFrame(rows, schema=dict(RELATIONS.columns)), RELATIONS, "factory")


def _relation(model: str, task: Task, pair: Pair, relation: Relation) -> dict[str, object]:
    n_synergy, n_bottleneck, n_tradeoff = {Relation.SYNERGY: (18, 1, 1), Relation.BOTTLENECK: (1, 18, 1)}.get(relation, (4, 4, 12))
    above, below = {Relation.TILT: (9, 3)}.get(relation, (n_tradeoff // 2, n_tradeoff - n_tradeoff // 2))
    n = n_synergy + n_bottleneck + n_tradeoff
    unit = dict.fromkeys(("p_value", "mean_x", "mean_y", "median_x", "median_y"), 0.5)
    unit |= {f"{name}_{end}": value for name in INTERVALS for end, value in (("low", 0.1), ("high", 0.7))}
    belief = {"evidence": "supported", "stability": 1.0, "runner_up": None, "runner_up_share": None, "favoured": None}
    tests = {"tilt_p": 0.01, "tilt_q": 0.02, "conflict_p": 0.9, "conflict_q": 0.95}
    return {
        "model": model,
        "task": task.value,
        "pair": str(pair),
        "n": n,
        "nulls": 0,
        "clusters": n,
        "off_mass": 0.01,
        "noise": 0.02,
        "rho": 0.4,
        "n_synergy": n_synergy,
        "n_bottleneck": n_bottleneck,
        "n_tradeoff": n_tradeoff,
        "density_synergy": n_synergy / n,
        "density_bottleneck": n_bottleneck / n,
        "n_above": above,
        "n_below": below,
        "slope": 0.5,
        "intercept": 0.2,
        "relation": relation.value,
        "leaning": pair.y.value if relation is Relation.TILT else None,
        "kind": "loose" if relation is Relation.DISPERSION else None,
        **unit,
        **belief,
        **tests,
    }


class Glib:
    """A judge that looks at nothing: the answer comes from the question's bytes. Keeps what it is asked. Satisfies `Judge`."""

    revision, engine = "glib 1", "none"
    dtype: str | None = None

    def __init__(self) -> None:
        self.asked: MutableSequence[Question] = []

    def encode(self, text: str) -> list[int]:
        return [sum(text.strip().casefold().encode())]

    def ask(self, questions: Iterable[Question], labels: Labels) -> Iterator[tuple[int, Answer | Refusal]]:
        for place, question in enumerate(questions):
            self.asked.append(question)
            dice = np.random.default_rng(list(b"".join(question.images)[-40:] + question.text.encode()))
            yield place, Answer(tuple(np.log(dice.dirichlet(np.ones(len(labels.grades)))).tolist()))


def _test_prompts(frame: pl.DataFrame) -> list[tuple[str, str, str]]:
    return frame.filter(pl.col("split") == "test").select(pl.col("task", "pair").cast(pl.String), "data_id").rows()
