"""What differs between diffusion architectures, read by painter and trainer alike: one dispatch, by the pipeline's class name."""

from typing import Any

from trig.backends.families import painted
from trig.backends.families.calls import Calls
from trig.backends.families.family import Family
from trig.backends.families.flux import Flux
from trig.errors import WeightsError

FAMILIES: dict[str, Family] = {pipeline: family for family in (Flux(),) for pipeline in family.pipelines}
"""Those that are trained, by class name of the pipeline."""
_PAINTED: tuple[type[Calls], ...] = (
    painted.UNet, painted.Edited, painted.Transformer, painted.Sana, painted.ZImage, painted.CogView4, painted.OmniGen, painted.Flux2,
    painted.QwenImage, painted.QwenEdit, painted.QwenEditPlus, painted.HunyuanImage, painted.LEdits,
)  # fmt: skip
KNOWN: dict[str, Calls] = {**FAMILIES, **{pipeline: family() for family in _PAINTED for pipeline in family.pipelines}}
"""Those that are painted."""


def calls(pipe: Any) -> Calls:
    """How a pipeline is called: by its family, or by its signature where none knows it."""
    return KNOWN.get(type(pipe).__name__, Calls())


def trainable(pipe: Any, field: str) -> Family:
    """The family of a pipeline that is to be trained. Raises WeightsError where none knows it, or where guidance is an input of the network."""
    name = type(pipe).__name__
    if name not in FAMILIES:
        raise WeightsError(f"{field}: no adapter can be trained for {name}; name a base that is one of {', '.join(FAMILIES)}")
    if FAMILIES[name].distilled(pipe):
        raise WeightsError(f"{field}: guidance is distilled into this model, and no adapter can be trained for it; name another base")
    return FAMILIES[name]
