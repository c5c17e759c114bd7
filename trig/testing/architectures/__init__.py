"""A tiny random instance of the architecture of each system of the zoo that diffusers loads, without a download."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from importlib import import_module
from math import sqrt
from pathlib import Path
from typing import Any
from unittest.mock import patch

import diffusers
import torch
import transformers
from diffusers import DiffusionPipeline
from safetensors.torch import save_file

from trig.params.zoo import pipelines
from trig.testing.architectures import parts, texts
from trig.testing.architectures.texts import WORDS, clip, tokenizer

Parts = Callable[[], dict[str, Any]]
GAIN = 1.5
"""Standard deviation of what a layer makes of independent inputs of variance 1."""


def _flow() -> Any:
    return diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0)


def _dynamic() -> Any:
    return diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, base_shift=0.5, max_shift=1.15)


def _flux(guidance: bool) -> dict[str, Any]:
    return {
        "scheduler": _flow(), "vae": parts.flux_autoencoder(), "text_encoder": clip(), "tokenizer": tokenizer(77, begin=True),
        "text_encoder_2": texts.t5(), "tokenizer_2": tokenizer(512), "transformer": parts.flux(guidance),
    }  # fmt: skip


def _sd3() -> dict[str, Any]:
    wide = texts.t5()
    wide = transformers.T5EncoderModel(transformers.T5Config(**{**wide.config.to_dict(), "d_model": 2 * texts.WIDTH}))
    read = tokenizer(77, begin=True)
    return {
        "scheduler": _flow(), "vae": parts.flux_autoencoder(), "transformer": parts.sd3(), "text_encoder": clip(texts.WIDTH), "tokenizer": read,
        "text_encoder_2": clip(texts.WIDTH), "tokenizer_2": read, "text_encoder_3": wide, "tokenizer_3": tokenizer(512),
    }  # fmt: skip


def _sana(sprint: bool) -> dict[str, Any]:
    scheduler = (
        diffusers.SCMScheduler()
        if sprint
        else diffusers.DPMSolverMultistepScheduler(use_flow_sigmas=True, prediction_type="flow_prediction")
    )
    return {
        "scheduler": scheduler, "vae": parts.deep_autoencoder(), "transformer": parts.sana(sprint), "text_encoder": texts.gemma(),
        "tokenizer": tokenizer(4096),
    }  # fmt: skip


def _pixart() -> dict[str, Any]:
    scheduler = diffusers.DPMSolverMultistepScheduler()
    return {
        "scheduler": scheduler, "vae": parts.autoencoder(), "transformer": parts.pixart(), "text_encoder": texts.t5(), "tokenizer": tokenizer(300),
    }  # fmt: skip


def _sdxl() -> dict[str, Any]:
    read = tokenizer(77, begin=True)
    return {
        "scheduler": diffusers.EulerDiscreteScheduler(steps_offset=1), "vae": parts.autoencoder(), "unet": parts.sdxl_unet(), "text_encoder": clip(),
        "tokenizer": read, "text_encoder_2": clip(texts.WIDTH), "tokenizer_2": read,
    }  # fmt: skip


def _sd(inputs: int = 4) -> dict[str, Any]:
    scheduler = diffusers.PNDMScheduler(
        steps_offset=1, skip_prk_steps=True, beta_start=0.00085, beta_end=0.012, beta_schedule="scaled_linear"
    )
    return {
        "scheduler": scheduler, "vae": parts.autoencoder(), "unet": parts.unet(inputs), "text_encoder": clip(), "tokenizer": tokenizer(77, begin=True),
        "safety_checker": None, "feature_extractor": None,
    }  # fmt: skip


def _omnigen() -> dict[str, Any]:
    return {
        "scheduler": diffusers.FlowMatchEulerDiscreteScheduler(invert_sigmas=True), "vae": parts.autoencoder(), "tokenizer": tokenizer(4096, begin=True),
        "transformer": parts.omnigen(WORDS),
    }  # fmt: skip


def _flux2() -> dict[str, Any]:
    return {
        "scheduler": _dynamic(), "vae": parts.flux2_autoencoder(), "transformer": parts.flux2(guidance=True), "text_encoder": texts.mistral3(),
        "tokenizer": texts.pixtral_processor(),
    }  # fmt: skip


def _klein() -> dict[str, Any]:
    return {
        "scheduler": _dynamic(), "vae": parts.flux2_autoencoder(), "transformer": parts.flux2(guidance=False), "text_encoder": texts.qwen3(28, head=True),
        "tokenizer": tokenizer(4096, chat=texts.CHAT), "is_distilled": True,
    }  # fmt: skip


def _qwen(edits: bool = False) -> dict[str, Any]:
    made = {
        "scheduler": _dynamic(), "vae": parts.qwen_autoencoder(), "transformer": parts.qwen_image(), "text_encoder": texts.qwen_vl(),
        "tokenizer": tokenizer(4096, chat=texts.CHAT),
    }  # fmt: skip
    return made | ({"processor": texts.qwen_processor()} if edits else {})


def _z_image() -> dict[str, Any]:
    return {
        "scheduler": _flow(), "vae": parts.flux_autoencoder(), "transformer": parts.z_image(), "text_encoder": texts.qwen3(3),
        "tokenizer": tokenizer(4096, chat=texts.CHAT),
    }  # fmt: skip


def _hunyuan() -> dict[str, Any]:
    from diffusers.guiders import AdaptiveProjectedMixGuidance

    return {
        "scheduler": _flow(), "vae": parts.hunyuan_autoencoder(), "transformer": parts.hunyuan_image(), "text_encoder": texts.qwen_vl(),
        "tokenizer": tokenizer(4096, chat=texts.CHAT), "text_encoder_2": texts.t5(), "tokenizer_2": tokenizer(128),
        "guider": AdaptiveProjectedMixGuidance(guidance_scale=3.5),
    }  # fmt: skip


ARCHITECTURES: Mapping[str, Parts] = {
    "FluxPipeline": lambda: _flux(guidance=True),
    "FluxKontextPipeline": lambda: _flux(guidance=True),
    "StableDiffusion3Pipeline": _sd3,
    "SanaPipeline": lambda: _sana(sprint=False),
    "SanaSprintPipeline": lambda: _sana(sprint=True),
    "PixArtSigmaPipeline": _pixart,
    "StableDiffusionXLPipeline": _sdxl,
    "StableDiffusionPipeline": _sd,
    "StableDiffusionInstructPix2PixPipeline": lambda: _sd(8),
    "LEditsPPPipelineStableDiffusion": _sd,
    "OmniGenPipeline": _omnigen,
    "Flux2Pipeline": _flux2,
    "Flux2KleinPipeline": _klein,
    "QwenImagePipeline": _qwen,
    "QwenImageEditPipeline": lambda: _qwen(edits=True),
    "QwenImageEditPlusPipeline": lambda: _qwen(edits=True),
    "ZImagePipeline": _z_image,
    "HunyuanImagePipeline": _hunyuan,
}
"""Components by class name of the pipeline."""


def build(name: str, place: Path, **others: Any) -> Path:
    """Writes a pipeline of random weights to a folder, the same each time; `others` replace components."""
    torch.manual_seed(0)
    pipe: DiffusionPipeline = getattr(diffusers, name)(**{**ARCHITECTURES[name](), **others})
    for network in ("transformer", "unet"):
        if (part := getattr(pipe, network, None)) is not None:
            _enliven(part)
    pipe.save_pretrained(place)
    return place


def of_system(name: str, folder: Path) -> dict[str, Any]:
    """Fields of an entry that extends a system of the zoo and paints with a tiny instance of its architecture, built below a folder once."""
    kind, schnell = str(pipelines()[name].pipeline), name == "flux-schnell"
    place = folder / (name if schnell else kind)
    if not place.is_dir():
        build(kind, place, **({"transformer": parts.flux(guidance=False)} if schnell else {}))
    entry: dict[str, Any] = {"extends": name, "weights": str(place), "needs": str(place), "dtype": "float32", "steps": 2}
    if name == "flux-ip-adapter":
        entry["options"] = {"ip_adapter": str(ip_adapter(folder / name))}
    return entry


def ip_adapter(place: Path) -> Path:
    """Writes an IP-Adapter for the tiny FLUX, in XLabs' names, with its image encoder."""
    wide, tokens = texts.WIDTH, 4
    torch.manual_seed(1)
    weights = {
        "ip_adapter_proj_model.proj.weight": torch.randn(tokens * wide, wide),
        "ip_adapter_proj_model.proj.bias": torch.zeros(tokens * wide),
    }
    weights |= {"ip_adapter_proj_model.norm.weight": torch.ones(wide), "ip_adapter_proj_model.norm.bias": torch.zeros(wide)}
    for half in ("k", "v"):
        name = f"double_blocks.0.processor.ip_adapter_double_stream_{half}_proj"
        weights |= {f"{name}.weight": torch.randn(wide, wide), f"{name}.bias": torch.zeros(wide)}
    texts.clip_vision(wide).save_pretrained(place / "image_encoder")
    save_file(weights, place / "ip_adapter.safetensors")
    return place


def _enliven(network: torch.nn.Module) -> None:
    """Weights so large that prompt, guidance and source show in a picture; as they are initialised, many networks ignore them."""
    with torch.no_grad():
        for weight in network.parameters():
            if weight.ndim > 1:
                weight.normal_(0, GAIN / sqrt(weight[0].numel()))


@contextmanager
def small_sources() -> Iterator[None]:
    """Qwen-Image-Edit makes every source a megapixel; here 4,096 pixels, so that a test takes no minutes."""
    with ExitStack() as patches:
        for name in ("edit", "edit_plus"):
            module = import_module(f"diffusers.pipelines.qwenimage.pipeline_qwenimage_{name}")
            whole = module.calculate_dimensions
            patches.enter_context(patch.object(module, "calculate_dimensions", lambda area, ratio, whole=whole: whole(area / 256, ratio)))
        yield
