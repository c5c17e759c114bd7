"""A language model at work on a material: what it writes instead of the templates, and what it says of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import polars as pl

from trig.annotate import write
from trig.annotate.asked import Desk, Errand, Show, answers
from trig.annotate.checks import Looked
from trig.annotate.draft import Draft
from trig.annotate.material import Material
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
SEEN = ("subject", "other", "place", "item", "description")
"""Columns of the sources table that a description fills."""


@dataclass(slots=True)
class Scribe:
    """Refines and expands the drafts of a material by an annotator. Satisfies `Writer`."""

    material: Material
    desk: Desk
    provider: str  # named in the drafts
    words: int  # most words of a prompt
    seen: dict[str, Seen] = field(default_factory=dict)  # content hash of a source picture → its description

    def write(self, drafts: Sequence[Draft]) -> list[tuple[Draft, Draft | Refusal]]:
        """Drafts of the routes refine and expand, and all edits and subject prompts, as the model writes them; the others as they are."""
        asked = {draft: new for draft in drafts if (new := routed(draft, self.material))}
        brief = Brief(self.material.about.language, self.words, self.material.scenes(), self.seen)
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

    def describe(self, sources: pl.DataFrame, task: Task) -> tuple[pl.DataFrame, dict[str, str]]:
        """The sources that are fit for a task, with what they show, and why the others are not. Described ones stay as they are."""
        blank = sources.filter(pl.col("subject").is_null())["source"].to_list()
        unfit: dict[str, str] = {}
        for source, said in described(blank, task, self.material.about.language, self.desk):
            if isinstance(said, Refusal):
                unfit[source] = said.reason
            else:
                self.seen[source] = said
        rows = [{**row, **_columns(self.seen.get(row["source"]))} for row in sources.iter_rows(named=True) if row["source"] not in unfit]
        for row in rows:
            self.seen.setdefault(row["source"], _as_seen(row))
        return pl.DataFrame(rows, schema=sources.schema), unfit


def routed(draft: Draft, material: Material) -> Draft | None:
    """The draft with the route by which a language model writes it; None for one that stays combined from the template."""
    named = material.route(draft.task, draft.pair)
    if named == COMBINE and draft.task is Task.T2I:
        return None
    return replace(draft, route="expand" if named == COMBINE else named)


def hired(model: Annotator, settings: Params, store: Store, show: Show, material: Material, pictures: Reader) -> Scribe:
    """The model of `annotate.annotator` at work on a material."""
    entry = settings.annotators[model.name]
    recorded = {"provider": entry.provider, "temperature": entry.temperature, "seed": entry.seed}
    desk = Desk(model, store, show, entry.max_failures, pictures, recorded)
    return Scribe(material, desk, entry.provider, settings.annotate.max_tokens)


def _columns(seen: Seen | None) -> dict[str, object]:
    return {name: getattr(seen, name) for name in SEEN} if seen else {}


def _as_seen(row: Mapping[str, str | None]) -> Seen:
    """A description that came with the picture."""
    told: dict[str, Any] = {name: row[name] for name in SEEN}
    return Seen.model_construct(None, **{**told, "description": told["description"] or told["subject"]}, fit=True, unfit_reason=None)


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
