"""One picture with its true prompt, against a corrupted prompt that does not describe it."""

from collections.abc import Iterator

from trig.finetune.points import Points
from trig.finetune.policies import threshold
from trig.finetune.policies.choice import Choice
from trig.keys import content_key
from trig.params.finetune import Finetune


def choose(points: Points, settings: Finetune) -> list[Choice]:
    """Of each picture that the policy threshold keeps: the pair's phrase is replaced by another prompt's. Without a phrase to replace, none."""
    rows = points.rows.select("prompt", "sub_prompts", "number").rows()
    phrases = [sorted({sub_prompts[side] for _, sub_prompts, _ in rows} - {""}) for side in (0, 1)]
    found = []
    for index in threshold.kept(points, settings):
        prompt, own, number = rows[index]
        sides = (number % 2, 1 - number % 2)  # each dimension's phrase in turn
        options = [option for side in sides for option in _corrupted(prompt, own[side], phrases[side], number)]
        chosen = next(((text, why) for text, why in options if text not in points.held_out), None)
        if chosen:
            found.append(Choice((index,), chosen[1], instead=chosen[0]))
    return found


def _corrupted(prompt: str, phrase: str, others: list[str], number: int) -> Iterator[tuple[str, str]]:
    """Texts with another phrase, in an order of their own for each candidate, and what was done."""
    if phrase and phrase in prompt:
        for other in sorted(others, key=lambda other: content_key(prompt=prompt, number=number, other=other)):
            if other not in prompt:
                yield prompt.replace(phrase, other, 1), f"against {other!r} in place of {phrase!r}"
