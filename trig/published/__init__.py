"""Published results of the paper (arXiv 2507.22100): mean scores of Table 3, and two released Dimension Trade-off Maps.

Other prompts, judge and models than a run's: shown beside it, never merged.
"""

from importlib.resources import files
from io import BytesIO

import polars as pl

from trig import tables
from trig.errors import ParamsError
from trig.tables.kinds import DIMENSION, PAIR, RELATION, TASK
from trig.vocabulary.dimensions import Dimension, Pair, Task
from trig.vocabulary.relations import Relation

SOURCE = "published (arXiv 2507.22100)"
PREFIX = "published:"
"""Prefix of published models; no zoo model has it."""
MAPS = {"flux": "FLUX", "janus": "Janus-Pro"}
"""Released maps: command line name → name in the paper."""
MEANS = tables.Table(
    "published means",
    {
        "source": pl.String,
        "task": TASK,
        "model": pl.String,  # as named in the paper
        "dtm": pl.Boolean,  # with DTM-rewritten prompts
        "dimension": DIMENSION,
        "mean": pl.Float64,  # mean TRIGScore, 0..1, two decimals
    },
    ("task", "model", "dtm", "dimension"),
)
RELATIONS = tables.Table(
    "published relations",
    {
        "source": pl.String,
        "model": pl.String,  # `published:<name>`
        "task": TASK,
        "pair": PAIR,
        "relation": RELATION,
        "leaning": DIMENSION,  # favoured dimension of a tilt
        "rho": pl.Float64,  # Spearman's, four decimals
        "mean_x": pl.Float64,  # over the pair's samples, three decimals
        "mean_y": pl.Float64,
    },
    ("model", "task", "pair"),
    frozenset({"leaning"}),
)
TILT = 2
CODES = {0: Relation.SYNERGY, 1: Relation.DISPERSION, 3: Relation.BOTTLENECK, TILT: Relation.TILT, -TILT: Relation.TILT, -1: Relation.NONE}
"""Codes of the released maps: 2 is a tilt to the pair's first dimension, -2 to the second. -1 also marks absent pairs, not listed here."""


def means() -> pl.DataFrame:
    """Table 3, `MEANS`, in its order: 7 text-to-image, 4 editing and 5 subject-driven models, three also with DTM-rewritten prompts."""
    wide = _csv("means.csv")
    long = wide.unpivot(list(Dimension), index=["task", "model", "dtm"], variable_name="dimension", value_name="mean")
    order = wide.select("task", "model", "dtm").join(long, on=["task", "model", "dtm"], maintain_order="left_right")
    return tables.check(order.with_columns(source=pl.lit(SOURCE)), MEANS, SOURCE)


def relations() -> pl.DataFrame:
    """Both released maps, `RELATIONS`: 42 text-to-image pairs each, by rule `reference` with dispersion_corr 0.6 and tilt_ratio 1.25."""
    found = _csv("relations.csv")
    codes = found["code"].to_list()
    leaning = [_leaning(pair, code) for pair, code in zip(found["pair"], codes, strict=True)]
    named = found.with_columns(
        source=pl.lit(SOURCE),
        model=PREFIX + pl.col("model"),
        task=pl.lit(Task.T2I.value),
        relation=pl.Series([CODES[code].value for code in codes]),
        leaning=pl.Series(leaning, dtype=pl.String),
    )
    return tables.check(named, RELATIONS, SOURCE)


def relations_of(name: str) -> pl.DataFrame:
    """One released map, such as `published:flux`. Raises ParamsError with the list of names."""
    if name not in {PREFIX + known for known in MAPS}:
        raise ParamsError(f"{name}: there is no such published map; choose one of {', '.join(PREFIX + known for known in MAPS)}")
    return relations().filter(pl.col("model") == name)


def _leaning(pair: str, code: int) -> str | None:
    if abs(code) != TILT:
        return None
    both = Pair.parse(pair)
    return (both.x if code == TILT else both.y).value


def _csv(name: str) -> pl.DataFrame:
    return pl.read_csv(BytesIO(files(__package__).joinpath(name).read_bytes()))
