"""Pairs of a prompt whose winner is worse on neither dimension and better on one."""

from trig.finetune.points import Floats, Points
from trig.finetune.policies.choice import Choice, gains, told
from trig.params.finetune import Finetune


def choose(points: Points, settings: Finetune) -> list[Choice]:
    """All of them."""
    scores = points.scores
    changes = ((pair, scores[pair[0]] - scores[pair[1]]) for pair in points.pairs())
    return [Choice(pair, told(points, change, "worse on neither")) for pair, change in changes if dominates(change, settings)]


def dominates(change: Floats, settings: Finetune) -> bool:
    """Whether a change lowers no score, and raises one by enough."""
    return bool((change >= 0).all()) and gains(change, settings)
