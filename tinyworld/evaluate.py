"""How well a judge agrees with the truth, and how well a painter does what it is told, on cases neither has seen."""

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
from tinyworld.truth import truth
from trig.vocabulary.dimensions import Dimension

UNSEEN = 7_000_000
"""Seeds from here on are used in no training."""

Picture = NDArray[np.uint8]


def cases(count: int) -> list[tuple[Dimension, Case, Picture]]:
    """`count` cases about each dimension, each with a second dimension drawn at random."""
    found = []
    for place, dimension in enumerate(Dimension):
        for number in range(count):
            rng = np.random.default_rng((UNSEEN, place, number))
            other = [each for each in Dimension if each is not dimension][int(rng.integers(len(Dimension) - 1))]
            case = some_case(rng, (dimension, other))
            found.append((dimension, case, picture(case, rng)))
    return found


def agreement(asked: Sequence[tuple[Dimension, Case, Picture]], score: Sequence[float | None], round_trip: Sequence[bool]) -> pl.DataFrame:
    """Spearman's rho of a judge's scores with the truth: one row per dimension, over all cases, drawings only, and round trips only.

    Cases without a score are counted in `nulls` and left out.
    """
    rows = pl.DataFrame(
        {
            "dimension": [dimension.value for dimension, _, _ in asked],
            "truth": [truth(case.request, case.scene)[dimension] for dimension, case, _ in asked],
            "score": score,
            "round_trip": round_trip,
        },
        schema_overrides={"score": pl.Float64},
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
            }
        )
    return pl.DataFrame(found)


def _rho(rows: pl.DataFrame) -> float | None:
    if rows.height < 3 or rows["score"].n_unique() < 2 or rows["truth"].n_unique() < 2:
        return None
    return float(spearmanr(rows["score"], rows["truth"]).statistic)


def plain_requests(count: int) -> list[Request]:
    """Requests for one or two plainly named things, with a style and a place, and a relation where there are two.

    The painter has not been taught the first HELD_OUT of them.
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
    """The picture's file."""
    out = BytesIO()
    Image.fromarray(pixels).save(out, "PNG")
    return out.getvalue()
