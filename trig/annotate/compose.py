"""The composer: try k at slot n of a subset, a function of ids and of the seed only."""

from collections.abc import Iterable, Iterator, Sequence
from functools import cache

from trig.annotate.choose import first, in_split, number, ordered
from trig.annotate.draft import Draft
from trig.annotate.material import Caption, Material, Phrase
from trig.annotate.pool import Pool
from trig.annotate.sentence import Sentence, capital
from trig.keys import content_key
from trig.vocabulary.dimensions import Pair, Task

SAME_CAPTION = 8
"""Tries with other phrases before another caption and picture are taken."""


class Composer:
    """Drafts from a material, about the pictures of a pool."""

    def __init__(self, material: Material, pool: Pool, seed: int) -> None:
        self.material, self.pool, self.seed = material, pool, seed
        self._captions, self._pictures = cache(self._ordered_captions), cache(self._ordered_pictures)

    def draft(self, task: Task, pair: Pair, split: str, slot: int, attempt: int) -> Draft | None:
        """Try `attempt`, from 0, at slot `slot`; None where the material has nothing for it."""
        pictures, captions = self._pictures(task, pair, split), self._captions(task, pair, split)
        if not captions or (task is not Task.T2I and not pictures):
            return None
        name, source = captions[(slot - 1) % len(captions)], pictures[(slot - 1) % len(pictures)] if pictures else None
        if others := attempt // SAME_CAPTION:
            again = self._salt(task, pair, split, slot=slot, others=others)
            name, source = first(again, captions), first(again, pictures) if pictures else None
        salt = self._salt(task, pair, split, caption=name, source=source, lap=(slot - 1) // len(captions), attempt=attempt)
        return self._written(task, pair, split, slot, attempt, name, source, salt)

    def _written(
        self, task: Task, pair: Pair, split: str, slot: int, attempt: int, name: str, source: str | None, salt: int
    ) -> Draft | None:
        caption = self.material.captions[name]
        chosen = next(self._phrases(pair, caption if task is not Task.P2P else None, salt), None)
        if chosen is None:
            return None
        said = [phrase for phrase in chosen if phrase.text]
        sentence = Sentence(self.material.about, lambda group, frames: first(salt ^ number(group), frames))
        seen = self.pool[task][source] if source else None
        if task is Task.P2P and seen:
            prompt = sentence.edit(said, seen, caption.other, self.material.edits)
        else:
            prompt = sentence.scene(caption, said, seen.item if seen else None)
        if not prompt:
            return None
        return Draft(
            task,
            pair,
            split,
            slot,
            attempt,
            capital(prompt) if self.material.about.capital else prompt,
            _worded(task, *chosen),
            name,
            template=" ".join(sentence.template) or "plain",
            item=seen.item if seen and task is Task.S2P else None,
            source=source,
        )

    def _phrases(self, pair: Pair, caption: Caption | None, salt: int) -> Iterator[tuple[Phrase, Phrase]]:
        """Phrases of both dimensions that go together and with the caption, best first."""
        options = []
        for dimension in (pair.x, pair.y):
            fitting = {each.id: each for each in self.material.phrases[dimension] if caption is None or each.fit(caption.kind)}
            options.append([fitting[name] for name in ordered(salt ^ number(dimension), fitting)])
        for x in options[0]:
            for y in options[1]:
                if together := self._together(pair, x, y):
                    yield together

    def _together(self, pair: Pair, x: Phrase, y: Phrase) -> tuple[Phrase, Phrase] | None:
        """Both phrases; the first without words where they cannot share a slot and it may be left out; None where they cannot go together."""
        slots = self.material.about.slots
        if not (x.text and y.text) or not (
            slots[x.slot].role == slots[y.slot].role == "relation" or (x.slot == y.slot and slots[x.slot].once)
        ):
            return x, y
        if pair.x in self.material.optional:
            return Phrase(x.id, "", "", x.slot, x.kind, x.fits), y
        return None

    def _ordered_captions(self, task: Task, pair: Pair, split: str) -> Sequence[str]:
        """Captions of a split that a pair can use; any of them may bring a thing into an edit."""
        usable = (name for name, each in self.material.captions.items() if task is Task.P2P or self._usable(pair, each.kind))
        return self._ordered("captions", task, pair, split, usable)

    def _ordered_pictures(self, task: Task, pair: Pair, split: str) -> Sequence[str]:
        return self._ordered("pictures", task, pair, split, self.pool[task])

    def _ordered(self, what: str, task: Task, pair: Pair, split: str, names: Iterable[str]) -> Sequence[str]:
        return ordered(number(f"{self.seed}/{what}/{task}/{pair}/{split}"), (name for name in names if in_split(name, split)))

    def _usable(self, pair: Pair, kind: str) -> bool:
        return all(any(phrase.fit(kind) for phrase in self.material.phrases[dimension]) for dimension in (pair.x, pair.y))

    def _salt(self, task: Task, pair: Pair, split: str, **parts: object) -> int:
        return int(content_key(seed=self.seed, task=task.value, pair=str(pair), split=split, **parts)[:16], 16)


def _worded(task: Task, x: Phrase, y: Phrase) -> tuple[str, str]:
    """The sub-prompts in the wording of the task."""
    return (x.edit, y.edit) if task is Task.P2P else (x.text, y.text)
