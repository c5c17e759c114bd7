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
        case _:
            assert_never(name)
