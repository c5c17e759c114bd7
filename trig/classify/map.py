"""Dimension Trade-off Map: relations grouped into cliques, majority vote over models, summary metrics."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from trig import tables
from trig.tables.kinds import DIMENSION, EVIDENCE, PAIR, RELATION, TASK
from trig.vocabulary.dimensions import Dimension, Pair
from trig.vocabulary.groups import Group, roman, words
from trig.vocabulary.relations import Relation, Support

Members = tuple[str, ...]
PLACE = {dimension.value: index for index, dimension in enumerate(Dimension)}


ALL = "all models"
"""Name of the majority-vote map; no model has it, since model names have no space."""
OVERALL = tables.Table(
    "overall",
    {
        "model": pl.String,  # `ALL`
        "task": TASK,
        "pair": PAIR,
        "models": pl.Int64,  # voters: models with a verdict on the pair
        "relation": RELATION,  # majority verdict; null where there is none
        "leaning": DIMENSION,  # favoured dimension of a tilt
        "shown": pl.Int64,  # votes for it
        "supported": pl.Int64,  # of these, with supported evidence; null where evidence was not computed
        "evidence": EVIDENCE,  # of the majority verdict; null where that of a vote for it was not computed
    },
    ("model", "task", "pair"),
    frozenset({"relation", "leaning", "supported", "evidence"}),
)


@dataclass(frozen=True, slots=True)
class Map:
    """Groups of one model and task, larger ones first, then in canonical order. Groups may overlap."""

    synergies: tuple[Members, ...]  # cliques of synergy
    bottlenecks: tuple[Members, ...]  # cliques of bottleneck
    dispersions: tuple[Members, ...]  # cliques of dispersion
    tilts: tuple[Members, ...]  # directed edges (favoured, other)


def groups(relations: pl.DataFrame, model: str, task: str) -> Map:
    """Dimension Trade-off Map of a model and task: maximal cliques per relation, and tilts as directed edges."""
    own = relations.filter(pl.col("model") == model, pl.col("task") == task).sort("pair")
    of = {relation: own.filter(pl.col("relation") == relation.value) for relation in Relation}
    return Map(
        synergies=_cliques(of[Relation.SYNERGY]["pair"]),
        bottlenecks=_cliques(of[Relation.BOTTLENECK]["pair"]),
        dispersions=_cliques(of[Relation.DISPERSION]["pair"]),
        tilts=tuple(_towards(pair, leaning) for pair, leaning in of[Relation.TILT].select("pair", "leaning").iter_rows()),
    )


def overall(relations: pl.DataFrame) -> pl.DataFrame:
    """Majority vote over models: a row of `OVERALL` for each task and pair.

    Each model has one vote, the verdict of its own map; *too few* abstains. Tilts towards different dimensions are different verdicts.
    Without a majority (more than half) `relation` is null, which differs from *none*, the verdict that no rule holds. Its evidence is
    *supported* when more than half of all votes are supported votes for it, *unsupported* when no vote for it is better, else *weak*.

    Points are not pooled over models: between-model differences in level would correlate the pooled points (Simpson's paradox). The vote
    describes these models only, no population of models; a tuned model votes beside its base.
    """
    decided = pl.col("relation") != Relation.TOO_FEW.value
    counted = (
        relations.filter(decided)
        .group_by("task", "pair", "relation", "leaning")
        .agg(
            shown=pl.len().cast(pl.Int64),
            supported=pl.when(pl.col("evidence").count() > 0).then(_votes(Support.SUPPORTED)),
            unsupported=_votes(Support.UNSUPPORTED),
            known=pl.col("evidence").is_not_null().all(),
        )
    )
    most = counted.filter(2 * pl.col("shown") > pl.col("shown").sum().over("task", "pair"))
    pairs = relations.group_by("task", "pair").agg(models=decided.sum().cast(pl.Int64))
    none = pl.when(pl.col("models") == 0).then(pl.lit(Relation.TOO_FEW.value, RELATION))
    weak = pl.when(pl.col("unsupported") < pl.col("shown")).then(pl.lit(Support.WEAK.value)).otherwise(pl.lit(Support.UNSUPPORTED.value))
    evidence = pl.when(2 * pl.col("supported") > pl.col("models")).then(pl.lit(Support.SUPPORTED.value)).otherwise(weak)
    found = pairs.join(most, on=["task", "pair"], how="left", validate="1:1").with_columns(
        pl.coalesce("relation", none),
        pl.col("shown").fill_null(0),
        model=pl.lit(ALL),
        evidence=pl.when("known").then(evidence).cast(EVIDENCE),
    )
    return tables.check(found.drop("unsupported", "known").sort("task", "pair"), OVERALL, "overall")


def _votes(support: Support) -> pl.Expr:
    return (pl.col("evidence") == support.value).sum().cast(pl.Int64)


def grouped(relations: pl.DataFrame, model: str, task: str) -> tuple[Group, ...]:
    """Dimension Trade-off Map of a model and task as one sequence of groups, numbered per relation. Empty when no pair has a relation."""
    found = groups(relations, model, task)
    sets = ((Relation.SYNERGY, found.synergies), (Relation.BOTTLENECK, found.bottlenecks), (Relation.DISPERSION, found.dispersions))
    cliques = [Group(relation.value, roman(number), members) for relation, own in sets for number, members in enumerate(own, 1)]
    return (*cliques, *(Group(Relation.TILT.value, "", members) for members in found.tilts))


def lines(relations: pl.DataFrame, model: str, task: str) -> tuple[str, ...]:
    """Dimension Trade-off Map of a model and task in words."""
    return words(grouped(relations, model, task))


def all_groups(relations: pl.DataFrame) -> dict[tuple[str, str], tuple[Group, ...]]:
    """Maps of all models and tasks: (model, task) → groups."""
    keys = relations.select("model", pl.col("task").cast(pl.String)).unique(maintain_order=True)
    return {(model, task): grouped(relations, model, task) for model, task in keys.iter_rows()}


def metrics(relations: pl.DataFrame, answered: Mapping[str, Any]) -> dict[str, object]:
    """JSON of numbers for `dvc metrics diff`, from the relations and the result of `answered`."""
    over_all = overall(relations)
    return {
        "prompts": answered["prompts"],
        "models": {model: own | _related(relations, model) for model, own in answered["models"].items()},
        "overall": {"pairs": _pairs(over_all), "map": _maps(over_all, ALL)},
    }


def _related(relations: pl.DataFrame, model: str) -> dict[str, object]:
    own = relations.filter(pl.col("model") == model)
    counts: dict[str, object] = {"relations": dict.fromkeys(Relation, 0) | Counter(own["relation"])}
    if own["evidence"].count():
        counts["evidence"] = dict.fromkeys(Support, 0) | Counter(own["evidence"].drop_nulls())
    return counts | {"pairs": _pairs(own), "map": _maps(own, model)}


def _tasks(own: pl.DataFrame) -> Sequence[str]:
    return own["task"].cast(pl.String).unique(maintain_order=True).to_list()


def _pairs(own: pl.DataFrame) -> dict[str, dict[str, str | None]]:
    """Relation of each pair, per task."""
    return {task: dict(own.filter(pl.col("task") == task).sort("pair").select("pair", "relation").iter_rows()) for task in _tasks(own)}


def _maps(own: pl.DataFrame, model: str) -> dict[str, dict[str, Any]]:
    """Groups of a model, per task."""
    return {task: asdict(groups(own, model, task)) for task in _tasks(own)}


def _cliques(pairs: Iterable[str]) -> tuple[Members, ...]:
    """Maximal cliques of the graph with these edges, larger ones first."""
    import networkx as nx  # slow import (0.1 s) that most commands do not need

    graph = nx.Graph((pair.x.value, pair.y.value) for pair in map(Pair.parse, pairs))
    found = [tuple(sorted(clique, key=PLACE.__getitem__)) for clique in nx.find_cliques(graph)]
    return tuple(sorted(found, key=lambda group: (-len(group), [PLACE[code] for code in group])))


def _towards(name: str, leaning: str) -> Members:
    pair = Pair.parse(name)
    return (leaning, (pair.x if leaning == pair.y else pair.y).value)
