"""How lessons are chosen: one dispatch, by the name in params.yaml."""

from typing import assert_never

from trig.finetune.policies.choice import Policy
from trig.params.finetune import PolicyName


def load(name: PolicyName) -> Policy:
    """The policy of a name."""
    match name:
        case "threshold":
            from trig.finetune.policies import threshold

            return threshold.choose
        case "best_of_n":
            from trig.finetune.policies import best_of_n

            return best_of_n.choose
        case "dominance":
            from trig.finetune.policies import dominance

            return dominance.choose
        case "pareto":
            from trig.finetune.policies import pareto

            return pareto.choose
        case "angle":
            from trig.finetune.policies import angle

            return angle.choose
        case "vote":
            from trig.finetune.policies import vote

            return vote.choose
        case "corrupt":
            from trig.finetune.policies import corrupt

            return corrupt.choose
        case "group":
            from trig.finetune.policies import group

            return group.choose
        case _:
            assert_never(name)
