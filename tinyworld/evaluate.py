"""Evaluation of judge and painter on held-out cases."""

from collections.abc import Sequence
from io import BytesIO

import numpy as np
import polars as pl
from numpy.typing import NDArray
from PIL import Image
from scipy.stats import spearmanr

from tinyworld.cases import Case, picture, some_case
from tinyworld.language import Request, plain
from tinyworld.scene import COLOURS, PLACES, RELATIONS, STYLES, THINGS
from trig.vocabulary.dimensions import Dimension, Task

UNSEEN = 7_000_000
"""First held-out seed."""

Picture = NDArray[np.uint8]


def cases(count: int, task: Task = Task.T2I) -> list[tuple[Dimension, Case, Picture]]:
    """`count` cases per dimension, each with a random second dimension."""
    tasks = [] if task is Task.T2I else [list(Task).index(task)]
    found = []
    for index, dimension in enumerate(Dimension):
        for number in range(count):
            rng = np.random.default_rng((UNSEEN, index, number, *tasks))
            other = [each for each in Dimension if each is not dimension][int(rng.integers(len(Dimension) - 1))]
            case = some_case(rng, (dimension, other), task)
            found.append((dimension, case, picture(case, rng)))
    return found


def shuffled(asked: Sequence[tuple[Dimension, Case, Picture]]) -> list[int]:
    """For each case another of its dimension, whose picture the blind control shows in its place."""
    found = list[int]()
    for dimension in Dimension:
        own = [index for index, (about, *_) in enumerate(asked) if about is dimension]
        found += [own[(number + len(own) // 2) % len(own)] for number in range(len(own))]
    return found


def agreement(
    asked: Sequence[tuple[Dimension, Case, Picture]],
    score: Sequence[float | None],
    round_trip: Sequence[bool],
    blind: Sequence[float | None] | None = None,
) -> pl.DataFrame:
    """Spearman's rho of the judge's scores with ground truth: per dimension, over all cases, drawings only, and round trips only.

    Unscored cases are counted in `nulls` and left out. `blind` are scores of the same prompts with other pictures.
    """
    rows = pl.DataFrame(
        {
            "dimension": [dimension.value for dimension, _, _ in asked],
            "truth": [case.ratings[dimension] for dimension, case, _ in asked],
            "score": score,
            "blind": blind or [None] * len(asked),
            "round_trip": round_trip,
        },
        schema_overrides={"score": pl.Float64, "blind": pl.Float64},
    )
    found = []
    for dimension in Dimension:
        own = rows.filter(pl.col("dimension") == dimension.value)
        good = own.drop_nulls("score")
        found.append(
            {
                "dimension": dimension.value,
                "n": own.height,
                "nulls": own.height - good.height,
                "rho": _rho(good),
                "rho_drawn": _rho(good.filter(~pl.col("round_trip"))),
                "rho_round_trip": _rho(good.filter("round_trip")),
                "rho_blind": _rho(own.drop_nulls("blind"), "blind"),
            }
        )
    return pl.DataFrame(found)


def _rho(rows: pl.DataFrame, score: str = "score") -> float | None:
    if rows.height < 3 or rows[score].n_unique() < 2 or rows["truth"].n_unique() < 2:
        return None
    return float(spearmanr(rows[score], rows["truth"]).statistic)


def plain_requests(count: int) -> list[Request]:
    """Requests for one or two named things, with style and place, and a relation between two.

    The first HELD_OUT are not in the painter's training data.
    """
    found = []
    for number in range(count):
        rng = np.random.default_rng((UNSEEN, 99, number))
        pair = rng.choice(len(THINGS), 2, replace=False)
        wants = tuple(plain(THINGS[kind], str(rng.choice(COLOURS))) for kind in pair)[: 1 + number % 2]
        relation = str(rng.choice(RELATIONS)) if len(wants) == 2 else ""
        found.append(Request(wants, relation, str(rng.choice(PLACES)), str(rng.choice(STYLES))))
    return found


def png(pixels: Picture) -> bytes:
    """PNG of a picture."""
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()
