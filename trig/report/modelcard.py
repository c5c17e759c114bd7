"""Model card of a tuned adapter: what it was tuned for and on, what it changes on held-out prompts, the worse first."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from trig.exchange.folder import yaml_lines
from trig.params.finetune import Finetune
from trig.params.models.diffusers import DiffusersModel
from trig.params.values import HUB
from trig.report.datasheet import credited
from trig.report.facts.digest import Change
from trig.report.markdown import code, prose, table
from trig.tables.funnel import Credit

CHANGES = ("task", "over", "dimension", "before", "after", "change", "95 % interval", "samples")
MAP = ("task", "pair", "model", "relation", "evidence", "stability", "means", "rho", "samples")
EXAMPLES = 8


@dataclass(frozen=True, slots=True)
class Adapted:
    """What the card of an adapter tells."""

    name: str
    base: str
    model: DiffusersModel  # of the base
    settings: Finetune
    card: Mapping[str, Any]  # what the trainer wrote beside the adapter
    lessons: pl.DataFrame  # LESSONS
    relations: pl.DataFrame  # RELATIONS of both models
    changes: Sequence[Change]  # from the base to the tuned model, on test prompts
    proof: Sequence[str]  # what it amounts to by the judge and a second eye, in sentences
    judge: str
    scorer: str  # the judge's name in the lessons
    tiny: bool
    licence: str  # of the prompts' material
    credits: Sequence[Credit]
    versions: Mapping[str, str]  # name → hash or commit of the data


def model_card(told: Adapted) -> str:
    """README of an exported adapter. Names, prompts and origins are untrusted and escaped."""
    sections = {
        "What it changes": _changed(told),
        "The map before and after": _map(told),
        "What it was tuned for": _tuned(told),
        "How to use it": _use(told),
        "What it learnt from": _learnt(told),
        "Limits": (f"- {limit}" for limit in _limits(told)),
        "Data version": (f"- {prose(name)}: {code(version)}" for name, version in told.versions.items()),
    }
    parts = [f"# {prose(told.name)}", _verdict(told), *(f"## {title}\n\n" + "\n".join(lines) for title, lines in sections.items())]
    return "\n\n".join([_head(told), *parts]) + "\n"


def _head(told: Adapted) -> str:
    values: dict[str, Any] = {"library_name": "diffusers", "tags": ["lora", "text-to-image", "trig"]}
    if told.model.weights.startswith(HUB):
        values["base_model"] = told.model.weights.removeprefix(HUB).partition("@")[0]
    return f"---\n{''.join(yaml_lines(values))}---"


def _moved(told: Adapted, up: bool) -> list[Change]:
    """What is shown to have risen, or fallen, over all pairs or on those that were tuned."""
    ends = ((row, row["low"] if up else row["high"]) for row in told.changes)
    return [row for row, end in ends if end is not None and (end > 0 if up else end < 0)]


def _verdict(told: Adapted) -> str:
    worse, better = (", ".join(f"{_where(row)} {row['mean']:+.3f}" for row in _moved(told, up)) for up in (False, True))
    said = [f"**Worsened** on held-out prompts: {worse}." if worse else "No dimension is shown to have worsened on held-out prompts."]
    said += [f"Improved: {better}." if better else "No dimension is shown to have improved."]
    world = " Its base is a small model of a toy world of 64×64 pictures, and no model for use." if told.tiny else ""
    return f"A LoRA adapter of {code(told.base)}, tuned to repair {_pairs(told)}.{world}\n\n" + " ".join([*said, *map(prose, told.proof)])


def _where(row: Change) -> str:
    return f"{row['dimension']} ({row['task']}, {row['pair'] or 'over all pairs'})"


def _pairs(told: Adapted) -> str:
    return ", ".join(code(str(pair)) for pair in told.card.get("pairs", []))


def _changed(told: Adapted) -> Iterator[str]:
    """Rows that fell first."""
    if not told.changes:
        yield "No held-out prompt has a score of both models."
        return
    yield "Mean scores of base and tuned model on the same held-out prompts, with intervals clustered by root prompt."
    yield ""
    fell = [_where(row) for row in _moved(told, up=False)]
    yield from table(CHANGES, [_row(row) for row in sorted(told.changes, key=lambda row: _where(row) not in fell)], names=3)


def _row(row: Change) -> list[str]:
    ends = "–" if row["low"] is None else f"{row['low']:+.3f} to {row['high']:+.3f}"
    numbers = f"{row['before']:.3f}", f"{row['after']:.3f}", f"{row['mean']:+.3f}"
    return [row["task"], row["pair"] or "all pairs", row["dimension"], *numbers, ends, str(row["n"])]


def _map(told: Adapted) -> Iterator[str]:
    own = told.relations.filter(pl.col("pair").cast(pl.String).is_in(told.card.get("pairs", [])))
    own = own.filter(pl.col("task").is_in(own.filter(pl.col("model") == told.name)["task"].implode()))
    order = pl.col("model").cast(pl.String) == told.name
    rows = [
        [
            *(row["task"], row["pair"], code(row["model"]), ", ".join(filter(None, (row["relation"], row["leaning"])))),
            *(
                row["evidence"] or "–",
                _number(row["stability"]),
                f"{_number(row['mean_x'])}, {_number(row['mean_y'])}",
                _number(row["rho"]),
            ),
            str(row["n"]),
        ]
        for row in own.sort("task", "pair", order).iter_rows(named=True)
    ]
    yield from table(MAP, rows, names=5) if rows else ["The map has no verdict of the tuned pair."]


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _tuned(told: Adapted) -> Iterator[str]:
    own, kept, of = told.settings, told.card.get("kept"), told.card.get("candidates")
    share = f", {kept / of:.0%}" if isinstance(kept, int) and isinstance(of, int) and of else ""
    yield f"- Base: {code(told.base)}, weights {code(told.model.weights)}"
    yield f"- Target: {_pairs(told)}"
    yield f"- Policy {own.policy}, loss {own.loss}: kept {kept} of {of} candidates{share}"
    yield f"- Rank {own.rank}, learning rate {own.learning_rate:g}, {own.steps} steps of {own.batch_size * own.accumulation} pictures"
    yield f"- Average of weights: {'none' if own.ema is None else f'decay {own.ema:g}'}"
    yield f"- Judge of the held-out prompts: {code(told.judge)}"


def _use(told: Adapted) -> Iterator[str]:
    base = told.model.weights.removeprefix(HUB).partition("@")[0].replace("`", "")
    yield from ("```python", f"pipe = DiffusionPipeline.from_pretrained({base!r})", "pipe.load_lora_weights('this folder')", "```")
    yield ""
    yield (
        f"Painted with {told.model.steps} steps, guidance {told.model.guidance_scale:g}, {told.model.width} × {told.model.height} pixels, as it was"
        f" trained and judged."
    )


def _learnt(told: Adapted) -> Iterator[str]:
    prompts = told.lessons.filter("good")["prompt"].unique(maintain_order=True)
    yield f"{told.lessons['lesson'].n_unique():,} lessons from {len(prompts):,} prompts of the train split, in pictures of the base itself."
    yield f"Licence of the prompts: {prose(told.licence)}."
    yield ""
    yield from credited(told.credits)
    yield ""
    yield from (f"- {prose(prompt)}" for prompt in prompts.head(EXAMPLES))
    if len(prompts) > EXAMPLES:
        yield f"- and {len(prompts) - EXAMPLES:,} more"


def _limits(told: Adapted) -> Iterable[str]:
    if told.scorer in told.lessons["scorer"].unique():
        yield "The judge that reports the changes is the one that chose the lessons: part of a gain may be its taste."
    if told.settings.form == "groups":
        yield "Its reward is the judge's, or a figure of the pictures: look at pictures for what a reward does not see."
    yield "Intervals are over prompts, of one training: another seed gives another adapter."
    yield "A dimension without a shown change may have changed by less than its interval tells."
    yield "It was tuned and judged on prompts like those above; other prompts, sizes, steps and guidance are not tested."
    yield "The adapter's licence cannot be wider than that of its base's weights."
