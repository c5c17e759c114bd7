"""Prompts to paint anew, for a policy gradient: those whose pictures differ, since nothing follows from equal rewards."""

from trig.finetune.points import Points
from trig.finetune.policies.best_of_n import ranking
from trig.finetune.policies.choice import Choice
from trig.params.finetune import Finetune
from trig.vocabulary.dimensions import Task


def choose(points: Points, settings: Finetune) -> list[Choice]:
    """All pictures of each prompt, from best to worst. An edit or a subject is left out: it would be painted without its source."""
    own = (points.rows["task"].cast(str) == Task.T2I.value).to_list()
    groups = [each for each in ranking(points, settings) if own[each[0]]]
    return [Choice(tuple(map(int, each)), f"its prompt's {len(each)} pictures differ") for each in groups]
