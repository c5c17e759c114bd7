"""A language model at work on a material: what it writes instead of the templates, and what it says of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import polars as pl

from trig.annotate import write
from trig.annotate.asked import Desk, Errand, Show, answers
from trig.annotate.checks import Looked
from trig.annotate.draft import Draft
from trig.annotate.material import Material
from trig.annotate.pool import COLUMNS, Pool, pool
from trig.annotate.shapes import Recovered, Seen, Shown
from trig.annotate.write import Brief
from trig.annotate.written import described, written
from trig.params import Params
from trig.protocols.annotator import Annotator, Reply
from trig.protocols.refusal import Refusal
from trig.store import Store
from trig.vocabulary.dimensions import Task

COMBINE = "combine"
Reader = Callable[[str], bytes | None]
"""Reads a source picture by its content hash."""


@dataclass(slots=True)
class Scribe:
    """Refines and expands the drafts of a material by an annotator, and checks what it wrote."""

    material: Material
    desk: Desk
    provider: str  # named in the drafts
    words: int  # most words of a prompt
    pool: Pool  # what the source pictures show; `describe` fills in what nobody described

    def write(self, drafts: Sequence[Draft]) -> list[tuple[Draft, Draft | Refusal]]:
        """Drafts of the routes refine and expand, and all edits and subject prompts, as the model writes them; the others as they are."""
        asked = {draft: new for draft in drafts if (new := routed(draft, self.material))}
        brief = Brief(self.material.about.language, self.words, self.material.scenes(), self.pool)
        told = written(asked.values(), brief, self.desk, self.provider)
        found: dict[Draft, Draft | Refusal] = {draft: new for draft, (_, new) in zip(asked, told, strict=True)}
        return [(draft, found.get(draft, draft)) for draft in drafts]

    def check(self, drafts: Mapping[Draft, Looked]) -> dict[Draft, Looked]:
        """Whether the sub-prompts show where words alone could not tell, then blind recovery."""
        unsure = [draft for draft, looked in drafts.items() if looked.verdicts.get("shown") is None]
        asked = [Errand(write.shows(draft.prompt, draft.sub_prompts)) for draft in unsure]
        found = {draft: _shown(draft, said) for draft, said in zip(unsure, answers(asked, self.desk), strict=True)}
        left = [draft for draft in drafts if draft not in found or found[draft].passed]
        asked = [Errand(write.recovery(draft.prompt)) for draft in left]
        for draft, said in zip(left, answers(asked, self.desk), strict=True):
            found[draft] = found.get(draft, Looked({})).then(_recovered(draft, said))
        return found

    def describe(self, sources: pl.DataFrame, tasks: Sequence[Task]) -> tuple[pl.DataFrame, dict[str, str]]:
        """The sources that are fit for one of these tasks, with what they show, and why the others are not. Described ones stay as they are."""
        blank = sources.filter(pl.col("subject").is_null())["source"].to_list()
        told = {task: dict(described(blank, task, self.material.about.language, self.desk)) for task in tasks}
        fit = {task: {source: seen for source, seen in each.items() if isinstance(seen, Seen)} for task, each in told.items()}
        rows = [_row(row, {task: fit[task][row["source"]] for task in tasks if row["source"] in fit[task]}) for row in sources.to_dicts()]
        known = pool(sources)
        self.pool = {task: {**known[task], **fit.get(task, {})} for task in Task}
        described_rows = pl.DataFrame([row for row in rows if row["subject"] is not None], schema=sources.schema)
        unfit = {
            row["source"]: "; ".join(f"{task}: {_why(told[task][row['source']])}" for task in tasks)
            for row in rows
            if row["subject"] is None
        }
        return described_rows, unfit


def routed(draft: Draft, material: Material) -> Draft | None:
    """The draft with the route by which a language model writes it; None for one that stays combined from the template."""
    named = material.route(draft.task, draft.pair)
    if named == COMBINE and draft.task is Task.T2I:
        return None
    return replace(draft, route="expand" if named == COMBINE else named)


def hired(load: Callable[[], Annotator], settings: Params, store: Store, show: Show, material: Material, pictures: Reader) -> Scribe:
    """The model of `annotate.annotator` at work on a material; `load` opens it."""
    model = load()
    entry = settings.annotators[model.name]
    recorded = {"provider": entry.provider, "temperature": entry.temperature, "seed": entry.seed}
    desk = Desk(model, store, show, entry.max_failures, entry.max_unanswered, pictures, recorded)
    return Scribe(material, desk, entry.provider, settings.annotate.max_tokens, {task: {} for task in Task})


def _row(row: dict[str, Any], fit: Mapping[Task, Seen]) -> dict[str, Any]:
    """The row with the description of the first task that it is fit for; the item is that of a subject."""
    if not fit:
        return row
    told = {name: getattr(next(iter(fit.values())), name) for name in COLUMNS}
    told["item"] = fit[Task.S2P].item if Task.S2P in fit else None
    return {**row, **told, "tasks": [task.value for task in fit]}


def _why(said: Seen | Refusal) -> str:
    return said.reason if isinstance(said, Refusal) else "fit"


def _shown(draft: Draft, said: Reply | Refusal) -> Looked:
    if isinstance(said, Refusal):
        return Looked({"shown": False}, "shown", f"nobody could tell whether its sub-prompts show: {said.reason}")
    assert isinstance(said.answer, Shown)
    hidden = [
        phrase for phrase, shows in zip(draft.sub_prompts, (said.answer.first, said.answer.second), strict=True) if phrase and not shows
    ]
    return Looked({"shown": not hidden}, "shown" if hidden else None, f"the sub-prompt {hidden[0]!r} does not show" if hidden else "")


def _recovered(draft: Draft, said: Reply | Refusal) -> Looked:
    if isinstance(said, Refusal):
        return Looked({"recovered": False}, "recovered", f"its dimensions were not recovered: {said.reason}")
    if write.recovered(said, draft.pair):
        return Looked({"recovered": True})
    assert isinstance(said.answer, Recovered)
    return Looked({"recovered": False}, "recovered", f"read as {said.answer.first} and {said.answer.second}")
