"""Small valid tables, pictures, thresholds and a judge for tests; deterministic to the byte."""

from collections.abc import Iterable, Sequence
from functools import cache
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from trig import tables
from trig.keys import content_key, prompt_key
from trig.params.thresholds import Thresholds
from trig.pictures import size
from trig.tables.diagnostics import DIAGNOSED, DIAGNOSTICS
from trig.tables.images import IMAGES
from trig.tables.prompts import PROMPTS, numbered, split
from trig.tables.relations import INTERVALS, RELATIONS
from trig.tables.scores import SCORES
from trig.tables.sources import Library, digest
from trig.testing import measured
from trig.vocabulary.dimensions import Dimension, Pair, Task, pairs
from trig.vocabulary.relations import Relation

SUBSETS: tuple[tuple[Task, Pair], ...] = tuple((Task.T2I, Pair.parse(name)) for name in ("IQ-R_TA-C", "IQ-A_TA-S", "TA-R_D-K"))
PER_SUBSET = 4
GRADE_SCORES = (0.0, 0.5, 1.0)
MODELS = ("tiny", "tiny-turbo", "tiny-dtm")
SHIFT = dict(zip(MODELS, (0.0, -0.12, 0.05), strict=True))
"""Offset of a model's scores in a run."""
LEVEL = dict(zip(Dimension, (0.72, 0.55, 0.78, 0.74, 0.62, 0.9, 0.48, 0.35, 0.86, 0.3), strict=True))
"""Mean score per dimension of a run."""
EVIL = '<script>document.title = "owned"</script><!-- </script> ../../etc "quoted" &amp;'
"""Hostile prompt: the first of each subset of a run."""


@cache
def png(seed: int = 0, width: int = 8, height: int = 8) -> bytes:
    """PNG of coloured noise."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)
    file = BytesIO()
    Image.fromarray(pixels).save(file, "PNG")
    return file.getvalue()


def prompts(subsets: Iterable[tuple[Task, Pair]] = SUBSETS, per_subset: int = PER_SUBSET, train: int = 2) -> pl.DataFrame:
    """Prompts table: per subset `per_subset` test prompts, numbered from 1, then `train` of the train split."""
    rows = [_prompt(task, pair, number, number <= per_subset) for task, pair in subsets for number in range(1, per_subset + train + 1)]
    return tables.check(pl.DataFrame(rows, schema=dict(PROMPTS.columns)), PROMPTS, "factory")


def sizes(
    subsets: Iterable[tuple[Task, Pair]] = SUBSETS, per_subset: int = PER_SUBSET, train: int = 2
) -> dict[tuple[Task, Pair, str], int]:
    """How many prompts the table above has of each subset and split."""
    return {(*subset, split): count for subset in subsets for split, count in (("test", per_subset), ("train", train))}


def _prompt(task: Task, pair: Pair, number: int, test: bool) -> dict[str, object]:
    phrases = [f"thing {number}", f"drawn for {pair}"]
    prompt, source = f"A {phrases[0]}, {phrases[1]}.", None if task is Task.T2I else digest(png(number))
    return {
        "task": task.value,
        "pair": str(pair),
        "data_id": f"{pair}_{number}",
        "prompt": prompt,
        "sub_prompts": phrases,
        "caption": f"caption {pair} {number}",
        "route": "combine",
        "template": "plain",
        "annotator": "template",
        "parent": f"caption {pair} {number}",
        "item": "thing" if task is Task.S2P else None,
        "source": source,
        "split": "test" if test else "train",
        "key": prompt_key(task.value, prompt, source),
    }


class Drawings(Library):
    """The source pictures of the prompts above: noise by number."""

    def __init__(self, count: int = 100) -> None:
        super().__init__()
        self.files = {digest(png(number)): png(number) for number in range(count)}

    def get(self, source: str | None) -> bytes | None:
        return None if source is None else self.files[source]

    def size(self, source: str) -> tuple[int, int]:
        return size(self.files[source])


def images(frame: pl.DataFrame, model: str = "tiny", width: int = 8, height: int = 8, seeds: int = 1) -> pl.DataFrame:
    """Images table of the test prompts, `seeds` pictures of each."""
    rows = [
        {
            "model": model,
            "task": task,
            "pair": pair,
            "data_id": data_id,
            "number": number,
            "image": {"bytes": png(index, width, height), "path": f"{data_id}-{number}.png" if number else f"{data_id}.png"},
            "digest": digest(png(index, width, height)),
            "seed": index,
            "width": width,
            "height": height,
            "status": "ok",
            "engine": "factory 1",
            "prompt_tokens": 12,
            "tokens_read": 12,
            "key": content_key(model=model, task=task, data_id=data_id, **_seed(number)),
        }
        for index, (task, pair, data_id, number) in enumerate(_test_pictures(frame, seeds))
    ]
    return tables.check(pl.DataFrame(rows, schema=dict(IMAGES.columns)), IMAGES, "factory")


def hashed(images: pl.DataFrame) -> pl.DataFrame:
    """Images whose rows name the hashes of the bytes that they hold."""
    files = images["image"].struct.field("bytes")
    return images.with_columns(digest=pl.Series([file and digest(file) for file in files], dtype=pl.String))


def scores(frame: pl.DataFrame, model: str = "tiny", seeds: int = 1) -> pl.DataFrame:
    """DIAGNOSED rows of `seeds` pictures of the test prompts on both dimensions of their pair, each with random grade probabilities."""
    asked = [(row, dimension) for row in _test_pictures(frame, seeds) for dimension in row[1].split("_")]
    rows = [_score(model, *row, dimension, index) for index, (row, dimension) in enumerate(asked)]
    return tables.check(pl.DataFrame(rows, schema=dict(DIAGNOSED.columns)), DIAGNOSED, "factory")


def undiagnosed(frame: pl.DataFrame, scorer: str = "clip-score") -> pl.DataFrame:
    """These scores by a scorer without a confidence or any other diagnostics."""
    none = [pl.lit(None, kind).alias(name) for name, kind in DIAGNOSTICS.columns.items() if name not in SCORES.columns]
    return frame.with_columns(*none, score_trig="expected", scorer=pl.lit(scorer))


def _score(model: str, task: str, pair: str, data_id: str, number: int, dimension: str, index: int) -> dict[str, object]:
    p = np.random.default_rng(index).dirichlet(np.ones(len(GRADE_SCORES)))
    expected, confidence = float(p @ GRADE_SCORES), float(p.max())
    picture = {"model": model, "task": task, "data_id": data_id, **_seed(number)}
    return {
        "model": model,
        "task": task,
        "pair": pair,
        "data_id": data_id,
        "number": number,
        "dimension": dimension,
        "scorer": "factory",
        "score_trig": confidence * expected,
        "expected": expected,
        "confidence": confidence,
        "off_mass": 0.01,
        "p": p.tolist(),
        "status": "ok",
        "scale": "Bad/Medium/Good",
        "max_pixels": 1003520,
        "reference_image": "source",
        "judge": "factory@1",
        "engine": "factory 1",
        "mode": "exact",
        "rubric": content_key(dimension=dimension),
        "image_key": content_key(**picture),
        "key": content_key(**picture, dimension=dimension),
    }


def cloud(points: Iterable[Sequence[float | None]], pair: str = "IQ-R_TA-S", model: str = "a") -> pl.DataFrame:
    """Scores of a point cloud (the columns that classification reads), a prompt per point: None is a null score, NaN has no row."""
    sides = pair.split("_")
    cells = [
        (f"{pair}_{n}", code, value)
        for n, point in enumerate(points, 1)
        for code, value in zip(sides, point, strict=True)
        if value == value
    ]
    score = pl.Series([value for _, _, value in cells], dtype=pl.Float64)
    columns = {
        "model": model,
        "task": Task.T2I.value,
        "pair": pair,
        "data_id": [data_id for data_id, _, _ in cells],
        "number": 0,
        "dimension": [code for _, code, _ in cells],
        "score_trig": score,
        "expected": score,
        "off_mass": 0.01,
        "stderr": None,
        "reason": [None if value is not None else "no answer" for _, _, value in cells],
        "key": [f"{data_id}/{code}" for data_id, code, _ in cells],
    }
    return pl.DataFrame(columns, {name: DIAGNOSED.columns[name] for name in columns})


def run_prompts(rows: int, tasks: Sequence[Task] = (Task.T2I,)) -> pl.DataFrame:
    """`rows` test prompts for each pair of the tasks; the first of each is hostile."""
    frame = prompts([(task, pair) for task in tasks for pair in pairs(task)], rows, 0)
    first = pl.col("data_id").str.ends_with("_1")
    return frame.with_columns(prompt=pl.when(first).then(pl.lit(EVIL)).otherwise("prompt"), parent=pl.lit(None, pl.String))


def run_scores(model: str, frame: pl.DataFrame, seeds: int = 1) -> pl.DataFrame:
    """Plausible scores of these test prompts: correlated within a picture, a mean per dimension and model, 1 % nulls."""
    draw = np.random.default_rng(len(model))
    values: list[float | None] = []
    for _, pair, _, _ in _test_pictures(frame, seeds):
        shared = draw.normal(0, 0.16)
        for code in pair.split("_"):
            value = float(np.clip(LEVEL[Dimension(code)] + SHIFT[model] + shared + draw.normal(0, 0.12), 0, 1))
            values.append(None if draw.random() < 0.01 else value)
    expected = pl.Series(values, dtype=pl.Float64)
    null = expected.is_null()
    frame = scores(frame, model, seeds).with_columns(
        expected=expected,
        score_trig=0.8 * expected,
        confidence=pl.when(~null).then(0.8),
        p=pl.lit(None, DIAGNOSED.columns["p"]),
        status=pl.when(null).then(pl.lit("null")).otherwise(pl.lit("ok")).cast(SCORES.columns["status"]),
        reason=pl.when(null).then(pl.lit("no answer")),
    )
    return tables.check(frame, DIAGNOSED, "factory")


def write_scores(root: Path, model: str, frame: pl.DataFrame) -> None:
    """DIAGNOSED rows of a model as two tables, as the stages leave them, and what is measured of its pictures."""
    measured.write(frame, root / "figures" / model)
    tables.write(frame, SCORES, root / "scores" / f"{model}.parquet")
    tables.write(frame.drop_nulls("judge"), DIAGNOSTICS, root / "diagnostics" / f"{model}.parquet")


def write_run(root: Path, rows: int = 24, seeds: int = 1, tasks: Sequence[Task] = (Task.T2I,)) -> None:
    """Prompts, image shards and scores of all models, as the stages leave them."""
    frame = run_prompts(rows, tasks)
    tables.write(frame, PROMPTS, root / "prompts.parquet")
    for model in MODELS:
        write_scores(root, model, run_scores(model, frame, seeds))
        for (task, pair), shard in images(frame, model, 64, 64, seeds).group_by("task", "pair"):
            tables.write(shard, IMAGES, root / "images" / model / str(task) / f"{pair}.parquet")


def thresholds(**changes: object) -> Thresholds:
    """The paper's thresholds on S, with few bootstraps."""
    rule = {"rule": "paper", "score": "expected", "correlation": "spearman", "synergy": 0.8, "bottleneck": 0.5, "synergy_density": 0.4}
    rule |= {"bottleneck_density": 0.4, "tilt_ratio": 1.5, "dispersion_corr": 0.7, "min_points": 10}
    belief = {"bootstraps": 20, "permutations": 50, "supported_stability": 0.8, "fdr": 0.05, "enough_points": 30}
    return Thresholds.model_validate(rule | belief | changes)


def relations(subsets: Sequence[tuple[Task, Pair]] = SUBSETS, models: Sequence[str] = ("tiny",)) -> pl.DataFrame:
    """Relations table that cycles through the relations."""
    found = [Relation.SYNERGY, Relation.TILT, Relation.BOTTLENECK, Relation.DISPERSION, Relation.NONE]
    rows = [_relation(model, task, pair, found[index % len(found)]) for model in models for index, (task, pair) in enumerate(subsets)]
    return tables.check(pl.DataFrame(rows, schema=dict(RELATIONS.columns)), RELATIONS, "factory")


def _relation(model: str, task: Task, pair: Pair, relation: Relation) -> dict[str, object]:
    n_synergy, n_bottleneck, n_tradeoff = {Relation.SYNERGY: (18, 1, 1), Relation.BOTTLENECK: (1, 18, 1)}.get(relation, (4, 4, 12))
    above, below = {Relation.TILT: (9, 3)}.get(relation, (n_tradeoff // 2, n_tradeoff - n_tradeoff // 2))
    n = n_synergy + n_bottleneck + n_tradeoff
    unit = dict.fromkeys(("p_value", "mean_x", "mean_y", "median_x", "median_y"), 0.5)
    unit |= {f"{name}_{end}": value for name in INTERVALS for end, value in (("low", 0.1), ("high", 0.7))}
    tests = {"evidence": "supported", "stability": 1.0, "tilt_p": 0.01, "tilt_q": 0.02, "conflict_p": 0.9, "conflict_q": 0.95}
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
        **tests,
    }


def _test_pictures(frame: pl.DataFrame, seeds: int) -> list[tuple[str, str, str, int]]:
    return numbered(split(frame, "test"), seeds).select(pl.col("task", "pair").cast(pl.String), "data_id", "number").rows()


def _seed(number: int) -> dict[str, int]:
    """Part of a picture's key."""
    return {"number": number} if number else {}
