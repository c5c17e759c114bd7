"""Sentences from frames: a scene for text-to-image and subject prompts, clauses for edit instructions."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from trig.annotate.material import About, Caption, Phrase
from trig.annotate.shapes import Seen
from trig.annotate.wording import PLACEHOLDER, placeholders

Pick = Callable[[str, Mapping[str, str]], str]
"""Chooses a frame of the named group by its id."""


ALONE = {"yes": "", "no": ""}
"""Whether the only clause of an edit stands alone, or after a general instruction."""


@dataclass(slots=True)
class Sentence:
    """A sentence in the making, and the frames it took."""

    about: About
    pick: Pick
    template: list[str] = field(default_factory=list)

    def fill(self, group: str, frames: Mapping[str, str], values: Mapping[str, str | None]) -> str:
        """A chosen frame of a group with its values."""
        name = self.pick(group, frames)
        if len(frames) > 1:
            self.template.append(f"{group}:{name}")
        return _filled(frames[name], values)

    def scene(self, caption: Caption, phrases: Sequence[Phrase], item: str | None = None) -> str:
        """The caption with the phrases in their slots. An `item` stands for its subject and keeps its place: phrases stand beside it."""
        roles = {
            role: [phrase.text for phrase in phrases if self.about.slots[phrase.slot].role == role]
            for role in ("subject", "other", "relation")
        }
        named, others = roles["subject"], roles["other"]
        subject, action = caption.subject, caption.action
        if item is not None:
            subject, others = self.fill("items", self.about.items, {"item": item}), named + others
            action = self.about.poses[self.pick("poses", self.about.poses)]
        elif named:
            subject, others = named[0], named[1:] + others
        words = self._things(caption, subject, action, roles["relation"], others, alone=not named or item is not None)
        words = " ".join(filter(None, (words, caption.place)))
        for name, slot in self.about.slots.items():
            for phrase in phrases:
                if phrase.slot == name and slot.role == "scene":
                    words = self.fill(name, slot.frames, {"scene": words, "phrase": phrase.text})
        return words

    def _things(self, caption: Caption, subject: str, action: str, relation: Sequence[str], others: Sequence[str], alone: bool) -> str:
        if relation:
            words, others = f"{subject} {relation[0]} {others[0] if others else caption.other}", others[1:]
        else:
            words = " ".join(filter(None, (subject, action)))
            if not alone and not others:
                words = self.fill("company", self.about.joins.company, {"subject": words, "other": caption.subject})
        for other in others:
            words = self.fill("things", self.about.joins.things, {"subject": words, "other": other})
        return words

    def edit(self, phrases: Sequence[Phrase], seen: Seen, thing: str, general: Mapping[str, str]) -> str:
        """An imperative clause for each phrase, joined; where there is one or none, a general instruction. Empty where no frame can be filled."""
        values = {"subject": seen.subject, "other": seen.other, "place": seen.place, "thing": thing}
        clauses = list(self._clauses(phrases, values))
        if len(clauses) < len(phrases):
            return ""
        usable = {name: frame for name, frame in general.items() if _usable(frame, values)}
        if usable and (not clauses or (len(clauses) == 1 and self.pick("alone", ALONE) == "no")):
            clauses.insert(0, self.fill("edits", usable, values))
        if len(clauses) < 2:
            return "".join(clauses)
        return self.fill("clauses", self.about.joins.clauses, dict(zip("xy", clauses, strict=True)))

    def _clauses(self, phrases: Sequence[Phrase], values: Mapping[str, str | None]) -> Iterator[str]:
        named: set[str] = set()
        for phrase in phrases:
            given = {**values, "phrase": phrase.edit}
            frames = {name: frame for name, frame in self.about.slots[phrase.slot].edits.items() if _usable(frame, given)}
            fresh = {name: frame for name, frame in frames.items() if not placeholders(frame) & named}
            if frames:
                chosen = fresh or frames  # two clauses about one thing read as a contradiction
                name = self.pick(phrase.slot, chosen)
                named |= placeholders(chosen[name]) - {"phrase", "place"}
                self.template.append(f"{phrase.slot}:{name}")
                yield _filled(chosen[name], given)


def _filled(frame: str, values: Mapping[str, str | None]) -> str:
    return PLACEHOLDER.sub(lambda found: values[found[1]] or "", frame)


def _usable(frame: str, values: Mapping[str, str | None]) -> bool:
    return all(values.get(name) for name in placeholders(frame))


def capital(words: str) -> str:
    """The words with a capital letter first."""
    return words[:1].upper() + words[1:]
