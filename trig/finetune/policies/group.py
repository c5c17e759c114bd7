"""Prompts to paint anew, for a policy gradient: those whose pictures differ, since nothing follows from equal rewards."""

from trig.finetune.points import Points
from trig.finetune.policies.best_of_n import ranking
from trig.finetune.policies.choice import Choice
from trig.params.finetune import Finetune


def choose(points: Points, settings: Finetune) -> list[Choice]:
    """All pictures of each prompt, from best to worst."""
    return [Choice(tuple(map(int, each)), f"its prompt's {len(each)} pictures differ") for each in ranking(points, settings)]
