"""Annotation: the slots of all subsets are filled in rounds, and what is refused is kept with its reason."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

from trig.annotate.checks import TEMPLATE, Checks, Looked
from trig.annotate.compose import Composer
from trig.annotate.draft import Draft
from trig.annotate.material import Material
from trig.annotate.review import Verdict, refusal
from trig.annotate.scribe import Scribe, routed
from trig.keys import prompt_key
from trig.params.annotate import Annotate
from trig.protocols.refusal import Refusal
from trig.tables.funnel import GivenUp, Why
from trig.tables.prompts import PROMPTS
from trig.tables.rejected import CHECKS, NAMES, REJECTED
from trig.text.near import Near
from trig.vocabulary.dimensions import Pair, Task

ROUNDS = 64
"""Most tries at a slot."""
ASKED = 8
"""Most tries at a slot that a language model writes: each costs."""
FRESH = 12
"""Rounds in which no text may repeat; later, an instruction may come again for another picture."""
PATIENCE = 16
"""Rounds in which a subset takes no draft; then the material is exhausted there."""
SPLITS = ("test", "train")


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in a subset to be filled."""

    task: Task
    pair: Pair
    split: str
    number: int  # in its subset, from 1; train follows test

    @property
    def subset(self) -> tuple[Task, Pair, str]:
        """Subset and split."""
        return self.task, self.pair, self.split


@dataclass(frozen=True, slots=True)
class Annotated:
    """Prompts, rejected drafts, and by subset and split the slots that have no prompt."""

    prompts: pl.DataFrame
    rejected: pl.DataFrame
    given_up: Mapping[tuple[Task, Pair, str], Sequence[GivenUp]]


@dataclass(slots=True)
class Annotation:
    """A run over all subsets. Without a review, no prompt waits for people."""

    composer: Composer
    settings: Annotate
    checks: Checks
    scribe: Scribe | None = None
    verdicts: Mapping[str, Verdict] | None = None  # of reviewers, by prompt key

    def run(self, show: Callable[[Iterator[tuple[int, int]]], object]) -> Annotated:
        """Fills every slot, or exhausts the material there. `show` consumes a progress iterator of slots."""
        taken: dict[Slot, Draft] = {}
        rejected: list[dict[str, Any]] = []
        given_up: dict[Slot, GivenUp] = {}
        show(self._rounds(taken, rejected, given_up))
        return Annotated(self._table(taken), pl.DataFrame(rejected, schema=dict(REJECTED.columns)), self._given_up(given_up))

    def _rounds(self, taken: dict[Slot, Draft], rejected: list[dict[str, Any]], given_up: dict[Slot, GivenUp]) -> Iterator[tuple[int, int]]:
        near = {task: Taken(self.settings.near_duplicate) for task in Task}
        slots = list(wanted(self.settings, self.composer.material))
        total, last = len(slots), dict.fromkeys((slot.subset for slot in slots), 0)
        for round_ in range(ROUNDS):
            drafts = {slot: self._drafted(slot, round_) for slot in slots}
            written = self._written([draft for draft in drafts.values() if isinstance(draft, Draft)])
            for done, (slot, draft) in enumerate(drafts.items(), len(taken)):
                if isinstance(draft, Why):
                    given_up[slot] = GivenUp(slot=slot.number, why=draft, tries=round_)
                    continue
                new, looked = written[draft]
                if looked.passed:
                    looked = self._among_others(new, looked, near[slot.task])
                if looked.passed:
                    near[slot.task].add(new, f"{slot.pair}_{slot.number}")
                    taken[slot], last[slot.subset] = new, round_
                else:
                    rejected.append(_refused(new, looked))
                if done % 1000 == 0:
                    yield len(taken), total
            slots = [slot for slot in slots if slot not in taken and slot not in given_up]
            for slot in slots:
                if why := _over(round_, last[slot.subset]):
                    given_up[slot] = GivenUp(slot=slot.number, why=why, tries=round_ + 1)
            slots = [slot for slot in slots if slot not in given_up]
            if not slots:
                break
        yield total, total

    def _drafted(self, slot: Slot, round_: int) -> Draft | Why:
        """The next draft, or why there is none."""
        draft = self.composer.draft(slot.task, slot.pair, slot.split, slot.number, round_)
        if draft is None:
            return Why.MATERIAL
        return Why.ANNOTATOR if self.scribe and round_ >= ASKED and routed(draft, self.composer.material) else draft

    def _written(self, drafts: Sequence[Draft]) -> dict[Draft, tuple[Draft, Looked]]:
        """Each draft as it is to be taken, with the verdicts so far."""
        given = dict(self.scribe.write(drafts)) if self.scribe else {draft: draft for draft in drafts}
        found = {draft: self._read(draft, given[draft]) for draft in drafts}
        if self.scribe:
            said = self.scribe.check({new: looked for new, looked in found.values() if looked.passed and new.annotator != TEMPLATE})
            found = {draft: (new, looked.then(said[new]) if new in said else looked) for draft, (new, looked) in found.items()}
        return found

    def _read(self, draft: Draft, given: Draft | Refusal) -> tuple[Draft, Looked]:
        if isinstance(given, Refusal):
            return draft, Looked({"written": False}, "written", given.reason)
        return given, self.checks.look(given)

    def _among_others(self, draft: Draft, looked: Looked, near: "Taken") -> Looked:
        """Near-duplicates of what is taken, then the reviewers' verdict."""
        if alike := near.near(draft):
            return looked.then(Looked({"distinct": False}, "distinct", f"says the same as {alike}"))
        looked = looked.then(Looked({"distinct": True}))
        if self.verdicts is None:
            return looked
        reason = refusal(self.verdicts, prompt_key(draft.task, draft.prompt, draft.source))
        return looked.then(Looked({"reviewed": reason is None}, reason and "reviewed", reason or ""))

    def _table(self, taken: Mapping[Slot, Draft]) -> pl.DataFrame:
        """Prompts table, subset by subset; copies after the model of their parents."""
        rows: dict[tuple[Task, Pair], list[dict[str, Any]]] = {subset: [] for subset in self.settings.subsets()}
        for slot, draft in taken.items():
            rows[slot.task, slot.pair].append(_row(slot, draft))
        for task, pair in self.settings.subsets():
            if parent := self.composer.material.parent(task, pair):
                rows[task, pair] = [_copy(pair, row) for row in sorted(rows[task, parent], key=_number)]
        return pl.DataFrame([row for each in rows.values() for row in sorted(each, key=_number)], schema=dict(PROMPTS.columns))

    def _given_up(self, given_up: Mapping[Slot, GivenUp]) -> dict[tuple[Task, Pair, str], list[GivenUp]]:
        """By subset and split; a copy has what its parent has."""
        found: dict[tuple[Task, Pair, str], list[GivenUp]] = {}
        for slot, told in given_up.items():
            found.setdefault(slot.subset, []).append(told)
        for task, pair in self.settings.subsets():
            if parent := self.composer.material.parent(task, pair):
                copied = {"why": Why.PARENT, "parent": str(parent)}
                for split in SPLITS:
                    found[task, pair, split] = [each.model_copy(update=copied) for each in found.get((task, parent, split), ())]
        return found


class Taken:
    """Prompts of a task so far, by split: their texts, and their texts with the source picture."""

    def __init__(self, threshold: float) -> None:
        self.texts, self.instructions = ({split: Near(threshold) for split in SPLITS} for _ in range(2))

    def add(self, draft: Draft, name: str) -> None:
        """Keep a prompt."""
        self.texts[draft.split].add(draft.prompt, name)
        self.instructions[draft.split].add(draft.prompt, name, draft.source)

    def near(self, draft: Draft) -> str | None:
        """Name of a prompt that says the same: of the other split in any case, of its own also for another picture while there may be fresh words."""
        (other,) = (split for split in SPLITS if split != draft.split)
        if found := self.texts[other].near(draft.prompt):
            return found
        own = self.texts[draft.split].near(draft.prompt) if draft.round < FRESH else None
        return own or self.instructions[draft.split].near(draft.prompt, draft.source)


def wanted(settings: Annotate, material: Material) -> Iterator[Slot]:
    """Slots of the subsets that copy no other, numbered through the splits."""
    for task, pair in settings.subsets():
        if material.parent(task, pair) is None:
            test = settings.size(task, pair)
            yield from (Slot(task, pair, "test", number) for number in range(1, test + 1))
            yield from (Slot(task, pair, "train", test + number) for number in range(1, settings.spare(task) + 1))


def _over(round_: int, last: int) -> Why | None:
    """Why no further draft is tried at an empty slot of a subset that took one in round `last`; None where one is."""
    if round_ - last >= PATIENCE:
        return Why.SUBSET
    return Why.ROUNDS if round_ + 1 == ROUNDS else None


def _number(row: Mapping[str, Any]) -> int:
    return int(row["data_id"].rpartition("_")[2])


def _row(slot: Slot, draft: Draft) -> dict[str, Any]:
    return {
        **_named(draft),
        "data_id": f"{slot.pair}_{slot.number}",
        "parent": None,
        "key": prompt_key(draft.task, draft.prompt, draft.source),
    }


def _named(draft: Draft) -> dict[str, Any]:
    """The columns that prompts and rejected drafts share."""
    named = {name: getattr(draft, name) for name in NAMES}
    return named | {"task": draft.task.value, "pair": str(draft.pair), "sub_prompts": list(draft.sub_prompts)}


def _copy(pair: Pair, row: Mapping[str, Any]) -> dict[str, Any]:
    """A prompt copied word for word from the parent subset, which shares a dimension with this pair."""
    theirs = Pair.parse(row["pair"])
    phrases = dict(zip((theirs.x, theirs.y), row["sub_prompts"], strict=True))
    ours = [phrases.get(dimension, "") for dimension in (pair.x, pair.y)]
    name = f"{pair}_{_number(row)}"
    return {**row, "pair": str(pair), "data_id": name, "sub_prompts": ours, "route": "copy", "parent": row["data_id"]}


def _refused(draft: Draft, looked: Looked) -> dict[str, Any]:
    told = {check: looked.verdicts.get(check) for check in CHECKS}
    return {**_named(draft), "slot": draft.slot, "round": draft.round, "check": looked.failed, "reason": looked.reason, **told}
