"""The Dimension Trade-off Map: the relations of a model, grouped, and the numbers people compare between runs."""

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
"""What the map over all models is called; no model can be, for a name has no space."""
OVERALL = tables.Table(
    "overall",
    {
        "model": pl.String,  # `ALL`
        "task": TASK,
        "pair": PAIR,
        "models": pl.Int64,  # with a verdict on the pair
        "relation": RELATION,  # what more than half of them show; null where they disagree
        "leaning": DIMENSION,  # the dimension that the tilts lean to
        "shown": pl.Int64,  # models that show it
        "supported": pl.Int64,  # of these, with support by the evidence; null where no evidence was looked for
    },
    ("model", "task", "pair"),
    frozenset({"relation", "leaning", "supported"}),
)


@dataclass(frozen=True, slots=True)
class Map:
    """The groups of one model and task: larger ones first, then in canonical order. A dimension may stand in several groups."""

    synergies: tuple[Group, ...]  # dimensions that are all high together, two by two
    bottlenecks: tuple[Group, ...]  # dimensions that are all low together
    dispersions: tuple[Group, ...]  # dimensions that vary independently of each other
    tilts: tuple[Group, ...]  # (favoured, other)


def groups(relations: pl.DataFrame, model: str, task: str) -> Map:
    """The map of a model. A group is a maximal set of dimensions in which every pair shows the relation; tilts are directed edges."""
    own = relations.filter(pl.col("model") == model, pl.col("task") == task).sort("pair")
    of = {relation: own.filter(pl.col("relation") == relation.value) for relation in Relation}
    return Map(
        synergies=_cliques(of[Relation.SYNERGY]["pair"]),
        bottlenecks=_cliques(of[Relation.BOTTLENECK]["pair"]),
        dispersions=_cliques(of[Relation.DISPERSION]["pair"]),
        tilts=tuple(_towards(pair, leaning) for pair, leaning in of[Relation.TILT].select("pair", "leaning").iter_rows()),
    )


def overall(relations: pl.DataFrame) -> pl.DataFrame:
    """The map of each task over all models: what more than half of the models show, a row of `OVERALL` for each task and pair.

    Each model counts once, with the verdict of its own map; those with too few points have no say. Tilts towards different dimensions are different
    verdicts. Where no verdict has more than half, `relation` is null: the models disagree, which is not the same as *none*, the verdict that no rule holds.

    The points of all models are not pooled: models differ in level, and levels that differ make a pooled cloud rise or fall although no model's
    does. So this map needs no evidence of its own. It counts what the models' maps say, `supported` of it with support. It speaks of these models,
    which are no sample of all models, and a tuned model has a say beside its base.
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
    """The map of a model in words, as the paper draws it: `Synergy (i): Content, Originality, Realism`, and tilts as `Tilt: Realism over Style`.

    Groups are numbered in their order, names stand in that of the alphabet. Empty when no pair shows a relation.
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
    """The maps of all models and tasks in words: (model, task) → its lines."""
    keys = relations.select("model", pl.col("task").cast(pl.String)).unique(maintain_order=True)
    return {(model, task): lines(relations, model, task) for model, task in keys.iter_rows()}


def overall_lines(relations: pl.DataFrame) -> dict[str, tuple[str, ...]]:
    """The map over all models in words: task → its lines."""
    found = overall(relations)
    return {task: lines(found, ALL, task) for task in relations["task"].cast(pl.String).unique(maintain_order=True)}


def metrics(relations: pl.DataFrame, answered: Mapping[str, Any]) -> dict[str, object]:
    """A small JSON of numbers for `dvc metrics diff`, from the relations and what `answered` gives."""
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
    """The relation of each pair, per task."""
    return {task: dict(own.filter(pl.col("task") == task).sort("pair").select("pair", "relation").iter_rows()) for task in _tasks(own)}


def _maps(own: pl.DataFrame, model: str) -> dict[str, dict[str, Any]]:
    """The groups of a model, per task."""
    return {task: asdict(groups(own, model, task)) for task in _tasks(own)}


def _cliques(pairs: Iterable[str]) -> tuple[Group, ...]:
    """The maximal cliques of a graph whose edges are these pairs, larger ones first."""
    import networkx as nx  # takes a tenth of a second, and most commands draw no map

    graph = nx.Graph((pair.x.value, pair.y.value) for pair in map(Pair.parse, pairs))
    found = [tuple(sorted(clique, key=PLACE.__getitem__)) for clique in nx.find_cliques(graph)]
    return tuple(sorted(found, key=lambda group: (-len(group), [PLACE[code] for code in group])))


def _towards(name: str, leaning: str) -> Group:
    pair = Pair.parse(name)
    return (leaning, (pair.x if leaning == pair.y else pair.y).value)


def _name(code: str) -> str:
    return ABOUT[Dimension(code)].name


def _roman(number: int) -> str:
    """Small Roman numerals, to 89: ten dimensions have 36 groups of a relation at most."""
    tens, ones = divmod(number, 10)
    return ("l" * (tens >= 5) + "x" * (tens % 5) if tens != 4 else "xl") + ("", *"i ii iii iv v vi vii viii ix".split())[ones]
