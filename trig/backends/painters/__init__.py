"""Opens a generator of the zoo."""

from typing import assert_never

from trig.params import Params
from trig.protocols.generator import Generator


def load(settings: Params, name: str) -> Generator:
    """The model of a name. Raises ParamsError for an unknown name, WeightsError where it cannot be loaded."""
    wanted = settings.model(name)
    match wanted.backend:
        case "diffusers":
            from trig.backends.painters.diffusers import Diffusers

            return Diffusers(name, wanted, settings.generate.engine_in_key)
        case _:
            assert_never(wanted.backend)
