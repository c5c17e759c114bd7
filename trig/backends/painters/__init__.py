"""Opens a generator of the zoo."""

from typing import assert_never

from trig.params import Params
from trig.protocols.generator import Generator


def load(settings: Params, name: str, device: str | None = None) -> Generator:
    """The model of a name, on a device such as cuda:1. Raises ParamsError for an unknown name, WeightsError where it cannot be loaded."""
    wanted = settings.model(name)
    match wanted.backend:
        case "diffusers":
            from trig.backends.painters.diffusers import Diffusers

            return Diffusers(name, wanted, settings.generate.engine_in_key, device, settings.generate.format)
        case "folder":
            from trig.backends.painters.folder import Folder

            return Folder(name, wanted)
        case "openai":
            from trig.backends.painters.openai import Served

            return Served(name, wanted)
        case "transformers":
            from trig.backends.painters.transformers import Autoregressive

            return Autoregressive(name, wanted, settings.generate.engine_in_key, settings.generate.format)
        case _:
            assert_never(wanted)
