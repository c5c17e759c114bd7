"""Markdown summary of the report, for a pull request."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

import polars as pl

from trig.params.thresholds import Thresholds
from trig.report.facts.digest import Change, Gate, Level, Tuning
from trig.report.markdown import code, prose, table
from trig.vocabulary.about import ABOUT
from trig.vocabulary.dimensions import Dimension, Pair, Task
from trig.vocabulary.groups import Group, words
from trig.vocabulary.relations import Relation, Support

TINY = "**This is the tiny world.** Small models drew small pictures, a small model judged them; nothing here speaks for a large model."
REAL = "Scores come from a judge that is itself a model; they are as good as that judge."
SCORES: Mapping[str, str] = {"expected": "S", "score_trig": "C·S"}
SHOWN = tuple(relation for relation in Relation if relation not in (Relation.NONE, Relation.TOO_FEW))


def summary(
    models: Sequence[str],
    relations: pl.DataFrame,
    levels: Sequence[Level],
    maps: Mapping[tuple[str, str], Sequence[Group]],
    thresholds: Thresholds,
    *,
    tiny: bool,
    seeds: int = 1,
    gates: Sequence[Gate] = (),
    changes: Sequence[tuple[Tuning, Sequence[Change]]] = (),
    first: Sequence[str] = (),
) -> str:
    """Summary: a table row per model, mean changes of each tuned model, and collapsed groups and supported verdicts.

    `maps` holds the groups per model and task, `seeds` is the number of pictures of each prompt, `first` is what tuned models amount to.
    """
    parts: list[list[str]] = [
        [f"## Dimension Trade-off Map of {len(models)} {'model' if len(models) == 1 else 'models'}"],
        list(first),
        [TINY if tiny else REAL],
        [_rule(thresholds)],
        [f"Each prompt has {seeds} pictures, one per seed; evidence and intervals count prompts."] if seeds > 1 else [],
        _gates(gates),
        _models(models, relations, levels),
        _few(relations, thresholds),
        *(_tuned(tuning, rows) for tuning, rows in changes),
        *_folded(models, relations, maps),
    ]
    return "\n\n".join("\n".join(lines) for lines in parts if lines) + "\n"


def _rule(thresholds: Thresholds) -> str:
    """Score, rule and thresholds in words."""
    t = {name: code(value) if isinstance(value, str) else f"{value:g}" for name, value in thresholds.model_dump().items()}
    high = f"synergy at a share of {t['synergy_density']} with both scores from {t['synergy']}"
    low = f"bottleneck at a share of {t['bottleneck_density']} with both to {t['bottleneck']}"
    rest = f"tilt at a ratio of {t['tilt_ratio']}, dispersion to a rho of {t['dispersion_corr']} ({t['correlation']})"
    return f"Score {SCORES[thresholds.score]}, rule {t['rule']}: {high}, {low}, {rest}."


def _gates(gates: Sequence[Gate]) -> list[str]:
    """One line when all gates pass, else the failures; notes either way."""
    failed = [gate for gate in gates if not gate.passed]
    if not gates:
        return []
    noted = [f"- {code(gate.table)}: {code(note)}" for gate in gates for note in gate.notes]
    notes = ["", *noted] if noted else []
    if not failed:
        return [f"All {len(gates)} gates hold.", *notes]
    told = [f"- {code(gate.table)}: {code('; '.join(gate.failures))}" for gate in failed]
    return [f"**Gates that fail, {len(failed)} of {len(gates)}:**", "", *told, *notes]


def _models(models: Sequence[str], relations: pl.DataFrame, levels: Sequence[Level]) -> list[str]:
    heads = ("model", "scores", "missing", "mean score", *Relation, "supported")
    of = {row["model"]: row for row in levels}
    rows = [_model(model, relations.filter(pl.col("model") == model), of[model]) for model in models]
    mean = "The mean score is that of the dimensions' means; a model that lacks a dimension or a task that another has, has none."
    return [*table(heads, rows), "", f"{mean} Supported: of the four relations, those that the evidence holds up."]


def _few(relations: pl.DataFrame, thresholds: Thresholds) -> list[str]:
    """Warning where relations rest on too few root prompts to be supported."""
    enough = thresholds.enough_points
    few = relations.filter(pl.col("clusters") < enough).height
    if not few:
        return []
    most = max(relations["clusters"].to_list())
    whole = f"All {few}" if few == relations.height else f"{few} of {relations.height}"
    return [
        f"**{whole} relations rest on fewer than {enough} prompts** (`thresholds.enough_points`; at most {most} here), too few to be supported."
    ]


def _model(model: str, relations: pl.DataFrame, own: Level) -> list[str]:
    counts = [relations.filter(pl.col("relation") == name.value).height for name in Relation]
    supported = "–" if _unknown(relations) else str(_supported(relations).height)
    return [
        code(model),
        *map(str, (own["n"], own["nulls"])),
        "–" if own["mean"] is None else f"{own['mean']:.3f}",
        *map(str, counts),
        supported,
    ]


def _unknown(relations: pl.DataFrame) -> bool:
    """Whether evidence was not computed."""
    return bool(relations["evidence"].is_null().all())


def _supported(relations: pl.DataFrame) -> pl.DataFrame:
    return relations.filter(pl.col("evidence") == Support.SUPPORTED.value, pl.col("relation").is_in([name.value for name in SHOWN]))


def _tuned(tuning: Tuning, changes: Sequence[Change]) -> list[str]:
    """Mean changes of the trained pairs, and the dimensions that rose or fell over all pairs, per task."""
    title = f"**{code(tuning.base)} → {code(tuning.tuned)}**, on test prompts that both have a score for:"
    rows = [_change(row) for row in changes if row["pair"] is not None]
    heads = ("task", "tuned pair", "dimension", "before", "after", "change", "95 % interval", "samples")
    by_task = groupby((row for row in changes if row["pair"] is None), key=itemgetter("task"))
    told = [f"{task}, over all pairs: {_over_all(list(part))}" for task, part in by_task] or ["No sample has a score of both."]
    return [title, "", *(table(heads, rows, names=3) if rows else ()), *([""] if rows else ()), *told]


def _change(row: Change) -> list[str]:
    ends = "–" if row["low"] is None else f"{row['low']:+.3f} to {row['high']:+.3f}"
    numbers = f"{row['before']:.3f}", f"{row['after']:.3f}", f"**{row['mean']:+.3f}**"
    return [row["task"], str(row["pair"]), _name(row["dimension"]), *numbers, ends, str(row["n"])]


def _over_all(changes: Sequence[Change]) -> str:
    up = [row for row in changes if row["low"] is not None and row["low"] > 0]
    told = {"up": up, "down": [row for row in changes if row["high"] is not None and row["high"] < 0]}
    words = [f"{way} {', '.join(map(_moved, rows))}" for way, rows in told.items() if rows]
    rest = len(changes) - sum(map(len, told.values()))
    return f"{'; '.join([*words, f'{rest} of {len(changes)} dimensions unclear'])}."


def _moved(row: Change) -> str:
    return f"{_name(row['dimension'])} {row['mean']:+.3f}"


def _folded(models: Sequence[str], relations: pl.DataFrame, maps: Mapping[tuple[str, str], Sequence[Group]]) -> Iterator[list[str]]:
    yield ["<details><summary>Groups in words, and the pairs that are supported</summary>"]
    for model, task in ((model, task) for model in models for task in Task if (model, task) in maps):
        own = relations.filter(pl.col("model") == model, pl.col("task") == task.value)
        groups = [f"- {prose(line)}" for line in words(maps[model, task])] or ["- No pair shows a relation."]
        yield [f"**{code(model)}**, {task}", "", *groups, f"- {_pairs(own)}"]
    yield ["</details>"]


def _pairs(relations: pl.DataFrame) -> str:
    """Supported pairs of each relation."""
    if _unknown(relations):
        return "Supported: evidence was not computed."
    found = _supported(relations).sort("pair")
    told = [
        f"{name} {', '.join(map(_pair, rows.iter_rows(named=True)))}"
        for name in SHOWN
        if (rows := found.filter(pl.col("relation") == name.value)).height
    ]
    return f"Supported: {'; '.join(told) or 'no pair'}."


def _pair(row: Mapping[str, Any]) -> str:
    """`Style over Content` for a tilt, else `Content and Style`."""
    pair = Pair.parse(str(row["pair"]))
    if row["relation"] != Relation.TILT:
        return f"{_name(pair.x)} and {_name(pair.y)}"
    other = pair.x if row["leaning"] == pair.y else pair.y
    return f"{_name(str(row['leaning']))} over {_name(other)}"


def _name(code: str) -> str:
    return ABOUT[Dimension(code)].name
