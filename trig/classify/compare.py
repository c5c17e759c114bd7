"""Agreement between two Dimension Trade-off Maps: differing pairs, Cohen's kappa, rank correlation."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations

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
    both = _side_by_side(a, b)
    known = both.filter(_judged("a") & _judged("b"))
    verdicts = known.select("relation_a", "relation_b").rows()
    equal = [one for one, other in verdicts if one == other]
    apart = pl.col("leaning_a").ne_missing(pl.col("leaning_b"))
    kappa, kappa_reason = _kappa(verdicts)
    rhos = known.drop_nulls(["rho_a", "rho_b"])
    rho, rho_reason = _spearman(rhos)
    return Agreement(
        pairs=known.height,
        only_a=a.height - both.height,
        only_b=b.height - both.height,
        too_few=both.height - known.height,
        equal=len(equal),
        turned=known.filter(pl.col("relation_a") == pl.col("relation_b"), apart).height,
        share=len(equal) / known.height if known.height else None,
        kappa=kappa,
        kappa_reason=kappa_reason,
        rhos=rhos.height,
        rho=rho,
        rho_reason=rho_reason,
    )


def by_task(a: pl.DataFrame, b: pl.DataFrame) -> dict[str, Agreement]:
    """Agreement per task that both maps have, in canonical order."""
    tasks = [task.value for task in Task if all(task.value in frame["task"].unique() for frame in (a, b))]
    return {task: agreement(*(frame.filter(pl.col("task") == task) for frame in (a, b))) for task in tasks}


def all_agreements(relations: pl.DataFrame, models: Sequence[str]) -> list[dict[str, object]]:
    """Pairwise agreement of all models per task: the fields of `Agreement`, with `a`, `b` and `task`."""
    of = relations.partition_by("model", "task", as_dict=True)
    both = [(a, b, task) for a, b in combinations(models, 2) for task in Task if {(a, task), (b, task)} <= of.keys()]
    return [{"a": a, "b": b, "task": task.value, **asdict(agreement(of[a, task], of[b, task]))} for a, b, task in both]


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


def _side_by_side(a: pl.DataFrame, b: pl.DataFrame) -> pl.DataFrame:
    """Inner join of both maps, in canonical order."""
    one, other = (_shown(frame, side) for frame, side in ((a, "a"), (b, "b")))
    return one.join(other, on=SUBSET, how="inner", validate="1:1").sort(SUBSET)


def _shown(frame: pl.DataFrame, side: str) -> pl.DataFrame:
    columns = [pl.col(name) if name in frame.columns else pl.lit(None).alias(name) for name in SHOWN]
    return frame.select(
        *SUBSET, *(column.cast(RELATIONS.columns[name]).name.suffix(f"_{side}") for name, column in zip(SHOWN, columns, strict=True))
    )


def _judged(side: str) -> pl.Expr:
    return pl.col(f"relation_{side}") != Relation.TOO_FEW.value


def _kappa(verdicts: Sequence[tuple[str, str]]) -> tuple[float | None, str | None]:
    """Cohen's kappa of two raters, or why it is undefined."""
    n = len(verdicts)
    if not n:
        return None, "no pair has a verdict in both maps"
    one, other = (Counter(row[side] for row in verdicts) for side in (0, 1))
    chance = sum(one[name] * other[name] for name in one)  # expected agreement, times n²
    if chance == n * n:
        return None, f"every pair is {verdicts[0][0]} in both maps, so chance agrees as well"
    return (n * sum(a == b for a, b in verdicts) - chance) / (n * n - chance), None


def _spearman(rhos: pl.DataFrame) -> tuple[float | None, str | None]:
    if rhos.height < 3:
        return None, f"{rhos.height} pairs have a rho in both maps; three are needed"
    if min(rhos["rho_a"].n_unique(), rhos["rho_b"].n_unique()) == 1:
        return None, "one map has the same rho for every pair"
    return float(rhos.select(pl.corr("rho_a", "rho_b", method="spearman")).item()), None
