"""What the paper published (arXiv 2507.22100): the means of its Table 3, and the two released relation maps.

They come from other prompts, another judge and other models than a run of one's own; they are shown beside it and enter none of its tables.
"""

from importlib.resources import files
from io import BytesIO

import polars as pl

from trig import tables
from trig.errors import ParamsError
from trig.tables.kinds import DIMENSION, PAIR, TASK
from trig.tables.relations import RELATION
from trig.vocabulary.dimensions import Dimension, Pair, Task
from trig.vocabulary.relations import Relation

SOURCE = "published (arXiv 2507.22100)"
PREFIX = "published:"
"""Begins the name of a published model, which no model of the zoo can have."""
MAPS = {"flux": "FLUX", "janus": "Janus-Pro"}
"""The released maps: the name on the command line and the paper's."""
MEANS = tables.Table(
    "published means",
    {
        "source": pl.String,
        "task": TASK,
        "model": pl.String,  # as the paper names it
        "dtm": pl.Boolean,  # with prompts rewritten by the map
        "dimension": DIMENSION,
        "mean": pl.Float64,  # TRIGScore, 0..1, higher is better; two decimals
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
        "leaning": DIMENSION,  # the dimension a tilt leans to
        "rho": pl.Float64,  # Spearman's, four decimals
        "mean_x": pl.Float64,  # of the pair's samples, three decimals
        "mean_y": pl.Float64,
    },
    ("model", "task", "pair"),
    frozenset({"leaning"}),
)
TILT = 2
CODES = {0: Relation.SYNERGY, 1: Relation.DISPERSION, 3: Relation.BOTTLENECK, TILT: Relation.TILT, -TILT: Relation.TILT, -1: Relation.NONE}
"""The codes of the released maps. 2 leans to the first dimension of the pair and -2 to the second. They write -1 for a pair that is absent as
well; such a pair has no row here."""


def means() -> pl.DataFrame:
    """Table 3 of the paper, `MEANS`, in its order: 7 models of text-to-image, 4 of editing and 5 of subject-driven generation, three of them also
    with the prompts that the map rewrote."""
    wide = _csv("means.csv")
    long = wide.unpivot(list(Dimension), index=["task", "model", "dtm"], variable_name="dimension", value_name="mean")
    order = wide.select("task", "model", "dtm").join(long, on=["task", "model", "dtm"], maintain_order="left_right")
    return tables.check(order.with_columns(source=pl.lit(SOURCE)), MEANS, SOURCE)


def relations() -> pl.DataFrame:
    """The two released maps, `RELATIONS`: 42 pairs of text-to-image each. Their rule is that of `thresholds.rule: reference`, with dispersion below a
    rho of 0.6 and tilt above a ratio of 1.25."""
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
    """One released map, by a name such as `published:flux`. Raises ParamsError with the list of names."""
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
