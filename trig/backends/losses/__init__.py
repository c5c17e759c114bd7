"""Training objectives: one dispatch, by the name in params.yaml."""

from typing import assert_never

from trig.backends.losses.batch import Loss
from trig.params.finetune import LossName


def load(name: LossName) -> Loss:
    """The loss of a name."""
    match name:
        case "sft":
            from trig.backends.losses import sft

            return sft.loss
        case "dpo":
            from trig.backends.losses import dpo

            return dpo.loss
        case "mapo":
            from trig.backends.losses import mapo

            return mapo.loss
        case "kto":
            from trig.backends.losses import kto

            return kto.loss
        case "rankdpo":
            from trig.backends.losses import rankdpo

            return rankdpo.loss
        case "tdpo":
            from trig.backends.losses import tdpo

            return tdpo.loss
        case _:
            assert_never(name)
