"""How lessons are chosen: one dispatch, by the name in params.yaml."""

from typing import assert_never

from trig.finetune.policies import angle, best_of_n, corrupt, dominance, group, pareto, threshold, vote
from trig.finetune.policies.choice import Policy
from trig.params.finetune import PolicyName


def load(name: PolicyName) -> Policy:
    """The policy of a name."""
    match name:
        case "threshold":
            return threshold.choose
        case "best_of_n":
            return best_of_n.choose
        case "dominance":
            return dominance.choose
        case "pareto":
            return pareto.choose
        case "angle":
            return angle.choose
        case "vote":
            return vote.choose
        case "corrupt":
            return corrupt.choose
        case "group":
            return group.choose
        case _:
            assert_never(name)
