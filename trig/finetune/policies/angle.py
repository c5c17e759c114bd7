"""Pairs of a prompt whose change points toward the weak dimension: it rises, and the strong one about stays."""

from math import atan2, degrees

from trig.finetune.points import Floats, Points
from trig.finetune.policies.choice import Choice, told
from trig.params.finetune import Finetune


def choose(points: Points, settings: Finetune) -> list[Choice]:
    """All within max_angle of the weak axis. Weak is the dimension with the lower mean over the candidates; the first where they are equal."""
    scores = points.scores
    if not len(scores):
        return []
    weak = int(scores[:, 1].mean() < scores[:, 0].mean())
    why = f"toward {(points.pair.x, points.pair.y)[weak]}, the weak one"
    changes = ((pair, scores[pair[0]] - scores[pair[1]]) for pair in points.pairs())
    return [Choice(pair, told(points, change, why)) for pair, change in changes if _points_there(change, weak, settings)]


def _points_there(change: Floats, weak: int, settings: Finetune) -> bool:
    rise, drift = float(change[weak]), abs(float(change[1 - weak]))
    return rise > 0 and rise >= settings.min_gain and degrees(atan2(drift, rise)) <= settings.max_angle
