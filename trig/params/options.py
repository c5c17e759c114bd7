"""How a pipeline of diffusers is loaded and run, beyond its call: the section `options` of an entry of `models`."""

import re
from collections.abc import Mapping
from math import isfinite
from typing import Any, Literal

from pydantic import model_validator

from trig.params.section import Section
from trig.params.values import Place, Weights

Offload = Literal["none", "model", "sequential"]
Quantisation = Literal["none", "bitsandbytes-4bit", "bitsandbytes-8bit", "torchao-int8"]
Format = Literal["png", "webp", "jpeg"]
SPARES = {"offload"}
"""Options that spare memory and leave every pixel as it is."""
PLACES = {"ip_adapter", "config"}
"""Options that say where something lies: its content enters the key, and not its path."""
NEUTRAL: dict[str, Any] = {
    "offload": "none", "quantisation": "none", "compile": False, "vae_tiling": False, "attention": None, "size": "entry", "ip_adapter": None,
    "config": None,
}  # fmt: skip
"""Values with which a pipeline paints as if there were no options: an entry says what differs, and only that enters the key."""
_SCALED = re.compile(r"(?P<place>.+)@(?P<scale>\d+(\.\d+)?)")


class Options(Section):
    """What an entry leaves out is neutral."""

    offload: Offload  # what waits in the machine's memory until the GPU needs it: networks, or layers one by one
    quantisation: Quantisation  # of the denoising network and the text encoders, while they are loaded
    compile: bool  # torch.compile of the denoising network
    vae_tiling: bool  # large pictures are decoded in overlapping tiles
    attention: str | None  # attention backend of diffusers, such as native, flash or sage; null: its own choice
    size: Literal["entry", "source"]  # source: an edit has the shape of its source, in at most width × height pixels
    ip_adapter: Weights | None  # folder with the safetensors of an IP-Adapter and its image_encoder: the source is the subject
    config: Place | None  # folder of configurations and tokenizers, for weights that are a single file

    @model_validator(mode="before")
    @classmethod
    def _neutral_unless_said(cls, said: Any) -> Any:
        return {**NEUTRAL, **said} if isinstance(said, Mapping) else said

    def said(self) -> dict[str, Any]:
        """What differs from neutral."""
        return {name: value for name, value in self.model_dump().items() if value != NEUTRAL[name]}

    def decides(self) -> dict[str, Any]:
        """What decides a picture, beside what lies at paths; empty where all is neutral."""
        return {name: value for name, value in self.said().items() if name not in SPARES | PLACES}


def scaled(adapter: str) -> tuple[str, float]:
    """Folder and scale of `path@scale`, such as `loras/ink@0.8`; the scale is 1 where none is given."""
    found = _SCALED.fullmatch(adapter)
    return (found["place"], float(found["scale"])) if found and isfinite(float(found["scale"])) else (adapter, 1.0)
