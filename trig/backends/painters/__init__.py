"""Loads an image generator of the zoo."""

from trig.params import Params
from trig.protocols.generator import Generator


def load(settings: Params, name: str) -> Generator:
    """Load a generator by name. Raises ParamsError for an unknown name, WeightsError if loading fails."""
    from trig.backends.painters.diffusers import Diffusers

    return Diffusers(name, settings.model(name), settings.generate.engine_in_key)
