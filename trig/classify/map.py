"""Dimension Trade-off Map: relations grouped into cliques, majority vote over models, summary metrics."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import polars as pl

from trig import tables
from trig.tables.kinds import DIMENSION, PAIR, TASK
from trig.tables.relations import RELATION
from trig.vocabulary.about import ABOUT
from trig.vocabulary.dimensions import Dimension, Pair
from trig.vocabulary.relations import Relation, Support

Group = tuple[str, ...]
PLACE = {dimension.value: place for place, dimension in enumerate(Dimension)}


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
    },
    ("model", "task", "pair"),
    frozenset({"relation", "leaning", "supported"}),
)


@dataclass(frozen=True, slots=True)
class Map:
    """Groups of one model and task, larger ones first, then in canonical order. Groups may overlap."""

    synergies: tuple[Group, ...]  # cliques of synergy
    bottlenecks: tuple[Group, ...]  # cliques of bottleneck
    dispersions: tuple[Group, ...]  # cliques of dispersion
    tilts: tuple[Group, ...]  # directed edges (favoured, other)


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
    Without a majority (more than half) `relation` is null, which differs from *none*, the verdict that no rule holds.

    Points are not pooled over models: between-model differences in level would correlate the pooled points (Simpson's paradox). The vote
    describes these models only, no population of models; a tuned model votes beside its base.
    """
    judged = pl.col("relation") != Relation.TOO_FEW.value
    counted = (
        relations.filter(judged)
        .group_by("task", "pair", "relation", "leaning")
        .agg(
            shown=pl.len().cast(pl.Int64),
            supported=pl.when(pl.col("evidence").count() > 0).then((pl.col("evidence") == Support.SUPPORTED.value).sum().cast(pl.Int64)),
        )
    )
    most = counted.filter(2 * pl.col("shown") > pl.col("shown").sum().over("task", "pair"))
    pairs = relations.group_by("task", "pair").agg(models=judged.sum().cast(pl.Int64))
    none = pl.when(pl.col("models") == 0).then(pl.lit(Relation.TOO_FEW.value, RELATION))
    found = pairs.join(most, on=["task", "pair"], how="left", validate="1:1").with_columns(
        pl.coalesce("relation", none), pl.col("shown").fill_null(0), model=pl.lit(ALL)
    )
    return tables.check(found.sort("task", "pair"), OVERALL, "overall")


def lines(relations: pl.DataFrame, model: str, task: str) -> tuple[str, ...]:
    """Dimension Trade-off Map in words, as in the paper: `Synergy (i): Content, Originality, Realism`, and tilts as `Tilt: Realism over Style`.

    Groups are numbered in order, names sorted alphabetically. Empty when no pair has a relation.
    """
    found = groups(relations, model, task)
    sets = ((Relation.SYNERGY, found.synergies), (Relation.BOTTLENECK, found.bottlenecks), (Relation.DISPERSION, found.dispersions))
    told = [
        f"{relation.capitalize()} ({_roman(number)}): {', '.join(sorted(map(_name, group)))}"
        for relation, own in sets
        for number, group in enumerate(own, 1)
    ]
    edges = "; ".join(f"{_name(favoured)} over {_name(other)}" for favoured, other in found.tilts)
    return (*told, f"{Relation.TILT.capitalize()}: {edges}") if edges else tuple(told)


def all_lines(relations: pl.DataFrame) -> dict[tuple[str, str], tuple[str, ...]]:
    """Maps in words of all models and tasks: (model, task) → lines."""
    keys = relations.select("model", pl.col("task").cast(pl.String)).unique(maintain_order=True)
    return {(model, task): lines(relations, model, task) for model, task in keys.iter_rows()}


def overall_lines(relations: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    """Majority-vote map in words: task → lines."""
    found = overall(relations)
    return {task: lines(found, ALL, task) for task in relations["task"].cast(pl.String).unique(maintain_order=True)}


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
    return {"relations": dict.fromkeys(Relation, 0) | Counter(own["relation"]), "pairs": _pairs(own), "map": _maps(own, model)}


def _tasks(own: pl.DataFrame) -> Sequence[str]:
    return own["task"].cast(pl.String).unique(maintain_order=True).to_list()


def _pairs(own: pl.DataFrame) -> dict[str, dict[str, str | None]]:
    """Relation of each pair, per task."""
    return {task: dict(own.filter(pl.col("task") == task).sort("pair").select("pair", "relation").iter_rows()) for task in _tasks(own)}


def _maps(own: pl.DataFrame, model: str) -> dict[str, dict[str, Any]]:
    """Groups of a model, per task."""
    return {task: asdict(groups(own, model, task)) for task in _tasks(own)}


def _cliques(pairs: Iterable[str]) -> tuple[Group, ...]:
    """Maximal cliques of the graph with these edges, larger ones first."""
    import networkx as nx  # slow import (0.1 s) that most commands do not need

    graph = nx.Graph((pair.x.value, pair.y.value) for pair in map(Pair.parse, pairs))
    found = [tuple(sorted(clique, key=PLACE.__getitem__)) for clique in nx.find_cliques(graph)]
    return tuple(sorted(found, key=lambda group: (-len(group), [PLACE[code] for code in group])))


def _towards(name: str, leaning: str) -> Group:
    pair = Pair.parse(name)
    return (leaning, (pair.x if leaning == pair.y else pair.y).value)


def _name(code: str) -> str:
    return ABOUT[Dimension(code)].name


def _roman(number: int) -> str:
    """Lower-case Roman numeral, up to 89: ten dimensions have at most 36 groups of a relation."""
    tens, ones = divmod(number, 10)
    return ("l" * (tens >= 5) + "x" * (tens % 5) if tens != 4 else "xl") + ("", *"i ii iii iv v vi vii viii ix".split())[ones]
