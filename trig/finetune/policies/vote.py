"""Pairs of a prompt that a majority of scorers prefers: each votes for the picture that dominates, by its own scores."""

from trig.finetune.points import Points
from trig.finetune.policies.choice import Choice, told
from trig.finetune.policies.dominance import dominates
from trig.params.finetune import Finetune


def choose(points: Points, settings: Finetune) -> list[Choice]:
    """All with more votes for than against, so that no scales are mixed. With one scorer these are the pairs of `dominance`."""
    found = []
    for winner, loser in points.pairs():
        changes = points.changes(winner, loser)
        votes = [int(dominates(change, settings)) - int(dominates(-change, settings)) for change in changes]
        if sum(votes) > 0:
            why = f"{votes.count(1)} of {len(votes)} scorers for it, {votes.count(-1)} against"
            found.append(Choice((winner, loser), told(points, changes.mean(axis=0), why), agreement=votes.count(1) / len(votes)))
    return found
