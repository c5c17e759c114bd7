"""What differs between diffusion architectures, read by painter and trainer alike: one dispatch, by the pipeline's class name."""

from typing import Any

from trig.backends.families import painted
from trig.backends.families.calls import Calls
from trig.backends.families.family import Family
from trig.backends.families.flux import Flux
from trig.backends.families.qwen import QwenImage
from trig.backends.families.sana import Sana
from trig.backends.families.sd3 import StableDiffusion3
from trig.backends.families.unet import StableDiffusion, StableDiffusionXL
from trig.errors import WeightsError

_TRAINED: tuple[type[Family], ...] = (Flux, QwenImage, Sana, StableDiffusion, StableDiffusion3, StableDiffusionXL)
FAMILIES: dict[str, Family] = {pipeline: family() for family in _TRAINED for pipeline in family.pipelines}
"""Those that are trained, by class name of the pipeline."""
_PAINTED: tuple[type[Calls], ...] = (
    painted.Consistent, painted.Edited, painted.Transformer, painted.SanaSprint, painted.ZImage, painted.CogView4, painted.OmniGen,
    painted.Flux2, painted.QwenEdit, painted.QwenEditPlus, painted.HunyuanImage, painted.LEdits,
)  # fmt: skip
KNOWN: dict[str, Calls] = {**FAMILIES, **{pipeline: family() for family in _PAINTED for pipeline in family.pipelines}}
"""Those that are painted."""


def calls(pipe: Any) -> Calls:
    """How a pipeline is called: by its family, or by its signature where none knows it."""
    return KNOWN.get(type(pipe).__name__, Calls())


def trainable(pipe: Any, field: str) -> Family:
    """The family of a pipeline that is to be trained. Raises WeightsError where none knows it, or where it cannot train this one."""
    name = type(pipe).__name__
    if name not in FAMILIES:
        raise WeightsError(f"{field}: no adapter can be trained for {name}; name a base that is one of {', '.join(FAMILIES)}")
    if why := FAMILIES[name].unfit(pipe):
        raise WeightsError(f"{field}: {why}")
    return FAMILIES[name]
