"""Tables of an invented run, for tests of what comes after the judge: three models, 42 pairs, plausible scores, random little pictures."""

from functools import lru_cache
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
from PIL import Image

from trig import tables
from trig.params.thresholds import Thresholds
from trig.tables.images import IMAGES
from trig.tables.prompts import PROMPTS
from trig.tables.scores import SCORES
from trig.vocabulary.dimensions import Dimension, Task, pairs

MODELS = ("tiny", "tiny-turbo", "tiny-dtm")
EVIL = '<script>document.title = "owned"</script><!-- </script> ../../etc "quoted" &amp;'
LEVEL = dict(zip(Dimension, (0.72, 0.55, 0.78, 0.74, 0.62, 0.9, 0.48, 0.35, 0.86, 0.3), strict=True))
SHIFT = {"tiny": 0.0, "tiny-turbo": -0.12, "tiny-dtm": 0.05}


def thresholds(**changes: object) -> Thresholds:
    """The published thresholds over S, with few bootstraps."""
    rule = {"rule": "paper", "score": "expected", "correlation": "spearman", "synergy": 0.8, "bottleneck": 0.5, "synergy_density": 0.4}
    rule |= {"bottleneck_density": 0.4, "tilt_ratio": 1.5, "dispersion_corr": 0.7, "min_points": 10}
    belief = {"bootstraps": 20, "permutations": 50, "supported_stability": 0.8, "fdr": 0.05, "enough_points": 30}
    return Thresholds.model_validate(rule | belief | changes)


def prompts(rows: int) -> pl.DataFrame:
    """`rows` prompts for each of the 42 pairs; the first is hostile."""
    found = []
    for pair in pairs(Task.T2I):
        for n in range(1, rows + 1):
            text = EVIL if n == 1 else f"a red ball to the left of a blue cube in a meadow, drawn as a pencil sketch, number {n}"
            found.append(
                {"task": "t2i", "pair": str(pair), "data_id": f"{pair}_{n}", "prompt": text, "sub_prompts": ["", ""], "source": "tiny"}
                | {"annotator": "template", "parent": None, "item": None, "source_image": None, "split": "test", "key": f"{pair}_{n}"}
            )
    return pl.DataFrame(found, schema=dict(PROMPTS.columns))


def scores(model: str, frame: pl.DataFrame) -> pl.DataFrame:
    """Plausible scores: a shared quality per picture, a level per dimension, a few samples the judge would not answer."""
    draw = np.random.default_rng(len(model))
    found = []
    for task, pair, data_id in frame.select("task", "pair", "data_id").iter_rows():
        shared = draw.normal(0, 0.16)
        for code in pair.split("_"):
            s = float(np.clip(LEVEL[Dimension(code)] + SHIFT[model] + shared + draw.normal(0, 0.12), 0, 1))
            missing = draw.random() < 0.01
            found.append(
                {"model": model, "task": task, "pair": pair, "data_id": data_id, "number": 0, "dimension": code, "scorer": "tiny-judge"}
                | {"score_trig": None if missing else 0.8 * s, "expected": None if missing else s, "confidence": None if missing else 0.8}
                | {"off_mass": 0.01, "p": None, "status": "null" if missing else "ok", "reason": "no answer" if missing else None}
                | {"scale": "Bad/Medium/Good", "max_pixels": 1003520, "reference_image": "source"}
                | {
                    "judge": "tiny-judge@0123abcd",
                    "engine": "none",
                    "mode": "exact",
                    "rubric": code,
                    "image_key": f"{model}/{data_id}",
                    "key": f"{model}/{data_id}/{code}",
                }
            )
    return pl.DataFrame(found, schema=dict(SCORES.columns))


@lru_cache
def picture(seed: int, side: int = 64) -> bytes:
    """A little PNG: two discs on a plain ground."""
    draw = np.random.default_rng(seed)
    down, across = np.mgrid[:side, :side]
    pixels = np.full((side, side, 3), draw.integers(120, 255, 3), np.uint8)
    for _ in range(2):
        y, x, r = *draw.integers(side // 5, side - side // 5, 2), draw.integers(side // 10, side // 4)
        pixels[(down - y) ** 2 + (across - x) ** 2 < r * r] = draw.integers(0, 255, 3)
    packed = BytesIO()
    Image.fromarray(pixels).save(packed, "PNG")
    return packed.getvalue()


def images(model: str, frame: pl.DataFrame) -> pl.DataFrame:
    """A picture per prompt."""
    rows = [
        {
            "model": model,
            "task": task,
            "pair": pair,
            "data_id": data_id,
            "number": 0,
            "image": {"bytes": picture(n % 50), "path": f"{data_id}.png"},
        }
        | {"seed": n, "width": 64, "height": 64, "status": "ok", "key": f"{model}/{data_id}"}
        for n, (task, pair, data_id) in enumerate(frame.select("task", "pair", "data_id").iter_rows())
    ]
    return pl.DataFrame(rows, schema=dict(IMAGES.columns))


def write(root: Path, rows: int = 24, models: tuple[str, ...] = MODELS) -> None:
    """The run's files as the stages leave them: prompts, image shards and scores."""
    frame = prompts(rows)
    tables.write(frame, PROMPTS, root / "prompts.parquet")
    for model in models:
        tables.write(scores(model, frame), SCORES, root / "scores" / f"{model}.parquet")
        for (task, pair), shard in images(model, frame).group_by("task", "pair"):
            tables.write(shard, IMAGES, root / "images" / model / str(task) / f"{pair}.parquet")
