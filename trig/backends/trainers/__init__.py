"""Opens the trainer of a loaded generator."""

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from trig.params import Params
from trig.params.finetune import Finetune
from trig.protocols.generator import Generator
from trig.protocols.tuner import Critic, Tuner

if TYPE_CHECKING:
    from trig.backends.painters.diffusers import Diffusers


def load(settings: Params, name: str, base: Generator) -> Callable[[Critic], Tuner]:
    """Call the result to add a trainable adapter to the base of a tuned model; only what learns from what it paints asks the critic.

    Raises WeightsError or ParamsError at once where it cannot be trained.
    """
    tuning, finetune = settings.tuning(name)
    match settings.model(tuning.base).backend:
        case "diffusers":
            from trig.backends.painters.diffusers import Diffusers
            from trig.backends.trainers.adapter import family

            assert isinstance(base, Diffusers)
            family(base, finetune)
            return partial(_adapter, base, finetune, settings.seed)
        case _:
            raise AssertionError(f"{tuning.base}: params.yaml is refused where a base has no trainer")


def _adapter(base: "Diffusers", settings: Finetune, seed: int, critic: Critic) -> Tuner:
    match settings.loss:
        case "flow-grpo":
            from trig.backends.trainers.flow_grpo import Grpo

            return Grpo(base, settings, seed, critic)
        case "ddpo":
            from trig.backends.trainers.ddpo import Ddpo

            return Ddpo(base, settings, seed, critic)
        case "refl":
            from trig.backends.trainers.refl import Refl

            return Refl(base, settings, seed)
        case _:
            from trig.backends.trainers.diffusers import Lora

            return Lora(base, settings, seed)
