"""What differs between diffusion architectures, read by painter and trainer alike: one dispatch, by the pipeline's class name."""

from typing import Any

from trig.backends.families.calls import Calls
from trig.backends.families.family import Family
from trig.backends.families.flux import Flux
from trig.errors import WeightsError

FAMILIES: dict[str, Family] = {pipeline: family for family in (Flux(),) for pipeline in family.pipelines}
"""By class name of the pipeline."""


def calls(pipe: Any) -> Calls:
    """How a pipeline is called: by its family, or by its signature where none knows it."""
    return FAMILIES.get(type(pipe).__name__, Calls())


def trainable(pipe: Any, field: str) -> Family:
    """The family of a pipeline that is to be trained. Raises WeightsError where none knows it, or where guidance is an input of the network."""
    name = type(pipe).__name__
    if name not in FAMILIES:
        raise WeightsError(f"{field}: no adapter can be trained for {name}; name a base that is one of {', '.join(FAMILIES)}")
    if FAMILIES[name].distilled(pipe):
        raise WeightsError(f"{field}: guidance is distilled into this model, and no adapter can be trained for it; name another base")
    return FAMILIES[name]
