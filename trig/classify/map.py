"""The Dimension Trade-off Map: the relations of a model, grouped, and the numbers people compare between runs."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

import polars as pl

from trig import tables
from trig.dimensions import ABOUT, Dimension, Pair, Relation

Group = tuple[str, ...]
PLACE = {dimension.value: place for place, dimension in enumerate(Dimension)}


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


def metrics(relations: pl.DataFrame, scores: pl.DataFrame, prompts: pl.DataFrame) -> dict[str, object]:
    """A small JSON of numbers for `dvc metrics diff`. Means are over answers, each counted once; nulls are counted beside them."""
    once = tables.distinct(scores)
    models = relations["model"].unique().sort()
    return {
        "prompts": dict(sorted(prompts["split"].cast(pl.String).value_counts().iter_rows())),
        "models": {model: _model(relations, once.filter(pl.col("model") == model), model) for model in models},
    }


def _model(relations: pl.DataFrame, scores: pl.DataFrame, model: str) -> dict[str, object]:
    own = relations.filter(pl.col("model") == model)
    tasks = own["task"].unique(maintain_order=True).cast(pl.String)
    return {
        "n": scores["score_trig"].count(),
        "nulls": scores["score_trig"].null_count(),
        "reasons": dict(sorted(scores["reason"].drop_nulls().value_counts().iter_rows())),
        "dimensions": _means(scores),
        "relations": dict.fromkeys(Relation, 0) | Counter(own["relation"]),
        "pairs": {task: dict(own.filter(pl.col("task") == task).sort("pair").select("pair", "relation").iter_rows()) for task in tasks},
        "map": {task: asdict(groups(relations, model, task)) for task in tasks},
    }


def _means(scores: pl.DataFrame) -> dict[str, dict[str, float]]:
    found = scores.group_by("dimension").agg(
        n=pl.col("score_trig").count(),
        nulls=pl.col("score_trig").null_count(),
        score_trig=pl.col("score_trig").sort().mean().round(4),
        expected=pl.col("expected").sort().mean().round(4),
    )
    return {str(row.pop("dimension")): row for row in found.sort("dimension").to_dicts()}


def _cliques(pairs: Iterable[str]) -> tuple[Group, ...]:
    near: dict[str, set[str]] = {}
    for pair in map(Pair.parse, pairs):
        near.setdefault(pair.x.value, set()).add(pair.y.value)
        near.setdefault(pair.y.value, set()).add(pair.x.value)
    found = [tuple(sorted(clique, key=PLACE.__getitem__)) for clique in _maximal(set(), set(near), set(), near)]
    return tuple(sorted(found, key=lambda group: (-len(group), [PLACE[code] for code in group])))


def _maximal(clique: set[str], able: set[str], done: set[str], near: Mapping[str, set[str]]) -> Iterator[set[str]]:
    """Every maximal set of nodes that are all neighbours (Bron and Kerbosch): `able` may still join, `done` was tried before."""
    if not able and not done:
        if clique:
            yield clique
        return
    while able:
        node = able.pop()
        yield from _maximal(clique | {node}, able & near[node], done & near[node], near)
        done = done | {node}


def _towards(name: str, leaning: str) -> Group:
    pair = Pair.parse(name)
    return (leaning, (pair.x if leaning == pair.y else pair.y).value)


def _name(code: str) -> str:
    return ABOUT[Dimension(code)].name


def _roman(number: int) -> str:
    """Small Roman numerals, to 89: ten dimensions have 36 groups of a relation at most."""
    tens, ones = divmod(number, 10)
    return ("l" * (tens >= 5) + "x" * (tens % 5) if tens != 4 else "xl") + ("", *"i ii iii iv v vi vii viii ix".split())[ones]
