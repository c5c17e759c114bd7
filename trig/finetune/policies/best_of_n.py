"""The best of the N pictures of a prompt; for pairs beside the worst, for lists with those between."""

import numpy as np

from trig.finetune.points import Floats, Ints, Points
from trig.finetune.policies.choice import Choice, gains, told
from trig.params.finetune import Finetune


def choose(points: Points, settings: Finetune) -> list[Choice]:
    """By the mean of both scores, then by the lower one. A prompt with one scored picture, or whose best is its worst, teaches nothing."""
    scores = points.scores
    ranked = ranking(points, settings)
    if settings.form == "lists":
        return [_list(each, settings.list_length) for each in ranked if len(each) >= settings.list_length]
    return [choice for each in ranked for choice in _ends(points, each, scores[each[0]] - scores[each[-1]], settings)]


def ranking(points: Points, settings: Finetune) -> list[Ints]:
    """Pictures of each prompt, from best to worst, where these differ."""
    scores = points.scores
    ranked = [_ranked(scores, group) for group in points.groups() if len(group) > 1]
    return [each for each in ranked if _apart(scores[each[0]] - scores[each[-1]], settings)]


def _apart(change: Floats, settings: Finetune) -> bool:
    return bool(change.sum() > 0) and gains(change, settings)


def _ranked(scores: Floats, group: Ints) -> Ints:
    own = scores[group]
    return group[np.lexsort((-own.min(axis=1), -own.sum(axis=1)))]


def _ends(points: Points, ranked: Ints, change: Floats, settings: Finetune) -> list[Choice]:
    best, worst, of = int(ranked[0]), int(ranked[-1]), f"of its prompt's {len(ranked)}"
    if settings.form == "pairs":
        return [Choice((best, worst), told(points, change, f"the best against the worst {of}"))]
    good, bad = Choice((best,), f"the best {of}"), Choice((worst,), f"the worst {of}", good=False)
    return [good] if settings.form == "samples" else [good, bad]


def _list(ranked: Ints, length: int) -> Choice:
    """Evenly spaced from best to worst."""
    places = np.linspace(0, len(ranked) - 1, length).round().astype(int)
    return Choice(tuple(map(int, ranked[places])), f"{length} of its prompt's {len(ranked)}, from best to worst")
