"""Agreement between two Dimension Trade-off Maps: differing pairs, Cohen's kappa, rank correlation."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from typing import Any, Literal

import polars as pl

from trig import tables
from trig.classify.samples import points
from trig.tables.relations import RELATIONS
from trig.vocabulary.dimensions import Task
from trig.vocabulary.relations import Relation

SUBSET = ("task", "pair")
SHOWN = ("relation", "leaning", "stability", "evidence", "rho")
"""Columns compared per pair; null where an older map lacks them."""

SAME = 1e-9
"""Tolerance for equal means."""
MEANS = ("mean_x", "mean_y")
MAP = tables.Table(
    "relations",
    {name: RELATIONS.columns[name] for name in ("model", *SUBSET, *SHOWN, *MEANS)},
    RELATIONS.key,
    RELATIONS.nullable.intersection((*SHOWN, *MEANS)),
)
"""Columns compared; older relations tables have them too."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """Agreement of two maps, a and b. A reason is set where its statistic is undefined."""

    pairs: int  # with a verdict in both maps
    only_a: int  # pairs that only a has
    only_b: int
    too_few: int  # pairs of both maps with too few points in at least one
    equal: int  # of `pairs`, same relation
    turned: int  # of `equal`, tilts with opposite leaning
    share: float | None  # observed agreement, equal / pairs; null without pairs
    kappa: float | None  # Cohen's kappa, -1..1; 0 is chance agreement
    kappa_reason: str | None
    rhos: int  # of `pairs`, rho defined in both maps
    rho: float | None  # Spearman correlation between the two maps' rhos
    rho_reason: str | None


def agreement(a: pl.DataFrame, b: pl.DataFrame) -> Agreement:
    """Inter-map agreement of two models, or of one model in two runs. Each frame holds the rows of one model.

    Cohen's kappa (1960) corrects for chance agreement from the maps' marginals. Pairs share prompts and dimensions, so are not independent:
    kappa has no interval here.
    """
    return _agreement(_side_by_side(a, b).select(**_statistics()).row(0, named=True), a.height, b.height)


def by_task(a: pl.DataFrame, b: pl.DataFrame) -> dict[str, Agreement]:
    """Agreement per task that both maps have, in canonical order."""
    tasks = [task.value for task in Task if all(task.value in frame["task"].unique() for frame in (a, b))]
    return {task: agreement(*(frame.filter(pl.col("task") == task) for frame in (a, b))) for task in tasks}


def all_agreements(relations: pl.DataFrame, models: Sequence[str]) -> list[dict[str, object]]:
    """Pairwise agreement of all models per task: the fields of `Agreement`, with `a`, `b` and `task`."""
    relations = relations.filter(pl.col("model").is_in(models))
    sizes = {(model, task): n for model, task, n in relations.group_by("model", "task").len().iter_rows()}
    both = _side_by_side(relations, relations, "m:m", pl.col("model").cast(pl.Enum(models)))
    later = both.filter(pl.col("model_a").to_physical() < pl.col("model_b").to_physical())
    found = {
        (row["model_a"], row["model_b"], row["task"]): row
        for row in later.group_by("model_a", "model_b", "task").agg(**_statistics()).to_dicts()
    }
    nothing = both.clear().select(**_statistics()).row(0, named=True)
    asked = ((a, b, task.value) for a, b in combinations(models, 2) for task in Task if {(a, task), (b, task)} <= sizes.keys())
    return [
        {"a": a, "b": b, "task": task, **asdict(_agreement(found.get((a, b, task), nothing), sizes[a, task], sizes[b, task]))}
        for a, b, task in asked
    ]


def differing(a: pl.DataFrame, b: pl.DataFrame) -> pl.DataFrame:
    """Pairs whose relation or leaning differs, in canonical order: task, pair, and `SHOWN` of both sides as `<name>_a`, `<name>_b`.

    Includes pairs with too few points on one side, which `agreement` counts apart.
    """
    changed = [pl.col(f"{name}_a").ne_missing(pl.col(f"{name}_b")) for name in ("relation", "leaning")]
    return _side_by_side(a, b).filter(pl.any_horizontal(changed))


def follows(found: pl.DataFrame, scores: pl.DataFrame, column: str) -> bool:
    """Whether one model's map has the means of these scores; if not, it was made from other scores."""
    whole = points(scores, column).drop_nulls(["x", "y"])
    anew = whole.group_by(SUBSET).agg(x=pl.col("x").mean(), y=pl.col("y").mean())
    both = found.drop_nulls(MEANS).select(*SUBSET, *MEANS).join(anew, on=SUBSET, how="full")
    gap = pl.max_horizontal((pl.col(mean) - pl.col(side)).abs() for mean, side in zip(MEANS, ("x", "y"), strict=True))
    return both.select((gap.fill_null(1.0) <= SAME).all()).item() is True


def _side_by_side(a: pl.DataFrame, b: pl.DataFrame, validate: Literal["1:1", "m:m"] = "1:1", *more: pl.Expr) -> pl.DataFrame:
    """Inner join of both maps, in canonical order; `more` columns come from both sides."""
    one, other = (_shown(frame, side, *more) for frame, side in ((a, "a"), (b, "b")))
    return one.join(other, on=SUBSET, how="inner", validate=validate).sort(SUBSET)


def _shown(frame: pl.DataFrame, side: str, *more: pl.Expr) -> pl.DataFrame:
    columns = (pl.col(name) if name in frame.columns else pl.lit(None).alias(name) for name in SHOWN)
    own = (column.cast(RELATIONS.columns[name]) for name, column in zip(SHOWN, columns, strict=True))
    return frame.select(*SUBSET, *(column.name.suffix(f"_{side}") for column in (*own, *more)))


def _statistics() -> dict[str, pl.Expr]:
    """What an agreement is made of, over rows of two maps side by side."""
    known = _has_verdict("a") & _has_verdict("b")
    same = known & (pl.col("relation_a") == pl.col("relation_b"))
    one, other = (pl.col(f"relation_{side}").filter(known) for side in "ab")
    rho_a, rho_b = (pl.col(f"rho_{side}").filter(known & pl.col("rho_a").is_not_null() & pl.col("rho_b").is_not_null()) for side in "ab")
    return {
        "both": pl.len(),
        "pairs": known.sum(),
        "equal": same.sum(),
        "turned": (same & pl.col("leaning_a").ne_missing(pl.col("leaning_b"))).sum(),
        "chance": pl.sum_horizontal((one == each.value).sum().cast(pl.Int64) * (other == each.value).sum() for each in Relation),
        "verdict": one.first(),
        "rhos": rho_a.len(),
        "varied": pl.min_horizontal(rho_a.n_unique(), rho_b.n_unique()),
        "rho": pl.corr(rho_a, rho_b, method="spearman"),
    }


def _agreement(found: Mapping[str, Any], a: int, b: int) -> Agreement:
    """Agreement of maps of `a` and `b` pairs."""
    pairs, equal, rhos = found["pairs"], found["equal"], found["rhos"]
    kappa, kappa_reason = _kappa(pairs, equal, found["chance"], found["verdict"])
    rho_reason = _undefined(rhos, found["varied"])
    return Agreement(
        pairs=pairs,
        only_a=a - found["both"],
        only_b=b - found["both"],
        too_few=found["both"] - pairs,
        equal=equal,
        turned=found["turned"],
        share=equal / pairs if pairs else None,
        kappa=kappa,
        kappa_reason=kappa_reason,
        rhos=rhos,
        rho=None if rho_reason else found["rho"],
        rho_reason=rho_reason,
    )


def _has_verdict(side: str) -> pl.Expr:
    return pl.col(f"relation_{side}") != Relation.TOO_FEW.value


def _kappa(n: int, equal: int, chance: int, verdict: str | None) -> tuple[float | None, str | None]:
    """Cohen's kappa of two raters, or why it is undefined. `chance` is the expected agreement, times n²."""
    if not n:
        return None, "no pair has a verdict in both maps"
    if chance == n * n:
        return None, f"every pair is {verdict} in both maps, so chance agrees as well"
    return (n * equal - chance) / (n * n - chance), None


def _undefined(rhos: int, varied: int) -> str | None:
    """Why there is no correlation of so many rhos, of which one map has so few different ones."""
    if rhos < 3:
        return f"{rhos} pairs have a rho in both maps; three are needed"
    return "one map has the same rho for every pair" if varied == 1 else None
