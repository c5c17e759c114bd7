"""Opens the trainer of a loaded generator."""

from collections.abc import Callable
from functools import partial
from typing import assert_never

from trig.params import Params
from trig.protocols.generator import Generator
from trig.protocols.tuner import Tuner


def load(settings: Params, name: str, base: Generator) -> Callable[[], Tuner]:
    """Call the result to add a trainable adapter to the base of a tuned model. Raises WeightsError at once where it cannot be trained."""
    tuning, finetune = settings.tuning(name)
    match backend := settings.model(tuning.base).backend:
        case "diffusers":
            from trig.backends.painters.diffusers import Diffusers
            from trig.backends.trainers.diffusers import Lora, family

            assert isinstance(base, Diffusers)
            family(base)
            return partial(Lora, base, finetune, settings.seed)
        case "folder" | "openai" | "transformers":
            raise AssertionError(f"{tuning.base}: params.yaml is refused where a base has no trainer")
        case _:
            assert_never(backend)
