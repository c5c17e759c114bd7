"""Quantised weights: the denoising network and the text encoders are loaded in 4 or 8 bits, when the library for it is installed."""

from importlib.util import find_spec
from typing import Any

import diffusers
import torch
import transformers
from diffusers.quantizers import PipelineQuantizationConfig

from trig.errors import WeightsError
from trig.params.options import Quantisation

NETWORKS = ("transformer", "transformer_2", "unet")
"""Components that denoise."""


def quantisation(asked: Quantisation, index: dict[str, Any], dtype: torch.dtype, field: str) -> dict[str, Any]:
    """Arguments of `from_pretrained`; `index` is model_index.json. Raises WeightsError where the library is missing."""
    if asked == "none":
        return {}
    library = asked.partition("-")[0]
    if find_spec(library) is None:
        raise WeightsError(f"{field}: {asked!r} takes the library {library}, which is not installed; install it, or write none")
    parts = {name: said[0] for name, said in index.items() if name in NETWORKS or name.startswith("text_encoder")}
    mapping = {name: _settings(asked, transformers if of == "transformers" else diffusers, dtype) for name, of in parts.items() if of}
    return {"quantization_config": PipelineQuantizationConfig(quant_mapping=mapping)}


def _settings(asked: Quantisation, of: Any, dtype: torch.dtype) -> Any:
    """Configuration of one component; `of`: transformers or diffusers, which have classes of the same names."""
    match asked:
        case "bitsandbytes-4bit":
            return of.BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=dtype)
        case "bitsandbytes-8bit":
            return of.BitsAndBytesConfig(load_in_8bit=True)
        case _:
            from torchao.quantization import Int8WeightOnlyConfig  # optional library

            return of.TorchAoConfig(Int8WeightOnlyConfig())
