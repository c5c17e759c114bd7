"""Loads the diffusers pipeline of an entry: its class, weights, scheduler, adapters and options."""

from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers import DiffusionPipeline, SchedulerMixin

from trig.backends.painters.adapter import attach, scale
from trig.backends.painters.quantise import NETWORKS, quantisation
from trig.backends.painters.subject import attach_subject
from trig.backends.rotary import quicken
from trig.backends.unloadable import UNLOADABLE, typed
from trig.backends.weights import brief, located
from trig.errors import WeightsError
from trig.memory import keep_pages
from trig.params.models.diffusers import DiffusersModel
from trig.params.options import scaled

diffusers.utils.logging.set_verbosity_error()  # it warns of adapters without text-encoder weights
diffusers.utils.logging.disable_progress_bar()
transformers.utils.logging.disable_progress_bar()


def device(asked: str | None) -> str:
    """The device that is asked for, or the GPU where there is one."""
    return asked or ("cuda" if torch.cuda.is_available() else "cpu")


def opened(model: DiffusersModel, field: str, on: str) -> DiffusionPipeline:
    """The pipeline of an entry, ready to paint on a device. Raises WeightsError: each cause is one line."""
    kind = DiffusionPipeline if model.pipeline == "auto" else named(model.pipeline, DiffusionPipeline, f"{field}.pipeline")
    scheduler = model.scheduler and named(model.scheduler, SchedulerMixin, f"{field}.scheduler")
    weights, options = located(model.weights, f"{field}.weights"), model.options
    try:
        with typed():
            pipe = _loaded(kind, weights, model, field)
        if scheduler:
            pipe.scheduler = scheduler.from_config(pipe.scheduler.config)
        if model.adapter:
            folder, strength = scaled(model.adapter)
            attach(pipe, Path(folder), f"{field}.adapter")
            scale(pipe, strength)
        if options.ip_adapter:
            attach_subject(pipe, options.ip_adapter, f"{field}.options.ip_adapter")
    except UNLOADABLE as error:
        raise WeightsError(f"{field}: {model.weights}: diffusers cannot load it: {brief(error)}") from error
    pipe.set_progress_bar_config(disable=True)
    _optioned(pipe, model, f"{field}.options")
    _placed(pipe, model, on)
    return pipe


def named(name: str, of: type, field: str) -> Any:
    """A class of diffusers. Raises WeightsError where it has none of this name and kind."""
    found = getattr(diffusers, name, None)
    if not (isinstance(found, type) and issubclass(found, of)):
        raise WeightsError(f"{field}: {name!r}: diffusers {diffusers.__version__} has no {of.__name__} of this name; check the spelling")
    return found


def _loaded(kind: Any, weights: Path, model: DiffusersModel, field: str) -> DiffusionPipeline:
    dtype = getattr(torch, model.dtype)
    if weights.is_file():
        return _single(kind, weights, model, field)
    quantised = quantisation(
        model.options.quantisation, kind.load_config(weights, local_files_only=True), dtype, f"{field}.options.quantisation"
    )
    return kind.from_pretrained(weights, dtype=dtype, local_files_only=True, use_safetensors=True, **quantised)


def _single(kind: Any, weights: Path, model: DiffusersModel, field: str) -> DiffusionPipeline:
    """From one file, and from the folder of configurations what weights lie there. Raises WeightsError where the entry does not say enough."""
    options, dtype = model.options, getattr(torch, model.dtype)
    if options.quantisation != "none":
        raise WeightsError(
            f"{field}.options.quantisation: {options.quantisation!r}: not for a single file; name a folder as weights, or write none"
        )
    if not hasattr(kind, "from_single_file"):
        raise WeightsError(f"{field}.pipeline: {model.pipeline!r} is not loaded from a single file; name a class such as FluxPipeline")
    if options.config is None:
        raise WeightsError(
            f"{field}.options.config: null: {weights} holds weights only; name a folder with the model_index.json, configurations and tokenizers"
            f" of its pipeline, and the weights that the file lacks"
        )
    place = Path(options.config)
    lacking = [name for name in kind.load_config(place, local_files_only=True) if _configured_only(place / name)]
    rest = kind.from_pretrained(place, dtype=dtype, local_files_only=True, use_safetensors=True, **dict.fromkeys(lacking))
    parts = {name: part for name, part in rest.components.items() if part is not None}
    return kind.from_single_file(str(weights), config=str(place), dtype=dtype, local_files_only=True, **parts)


def _configured_only(place: Path) -> bool:
    """Whether a component has a configuration and no weights."""
    return (place / "config.json").is_file() and not any(place.glob("*.safetensors"))


def _optioned(pipe: DiffusionPipeline, model: DiffusersModel, field: str) -> None:
    """Options that a loaded pipeline takes. Raises WeightsError for one that it does not know."""
    if model.options.vae_tiling:
        if not hasattr(pipe.vae, "enable_tiling"):
            raise WeightsError(f"{field}.vae_tiling: the autoencoder of {type(pipe).__name__} decodes whole pictures only; set it to false")
        pipe.vae.enable_tiling()
    for network in _networks(pipe):
        if model.options.attention:
            try:
                network.set_attention_backend(model.options.attention)
            except UNLOADABLE as error:
                raise WeightsError(
                    f"{field}.attention: {model.options.attention!r}: diffusers does not take it: {brief(error)}; set it to null"
                ) from error
        if model.options.compile:
            network.compile()


def _networks(pipe: DiffusionPipeline) -> list[Any]:
    """What denoises."""
    return [part for name in NETWORKS if (part := getattr(pipe, name, None)) is not None]


def _placed(pipe: DiffusionPipeline, model: DiffusersModel, on: str) -> None:
    """Onto the device, or beside it: without an accelerator all stays where it is."""
    if on == "cpu":
        keep_pages()
        for network in _networks(pipe):
            quicken(network)
        return
    match model.options.offload:
        case "none":
            pipe.to(on)
        case "model":
            pipe.enable_model_cpu_offload(device=on)
        case "sequential":
            pipe.enable_sequential_cpu_offload(device=on)
