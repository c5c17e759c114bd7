"""IP-Adapters for FLUX: weights and an image encoder beside the pipeline's own, which make a picture the subject."""

from pathlib import Path
from typing import Any

from safetensors import safe_open

from trig.backends.weights import beside
from trig.errors import WeightsError

ENCODER = "image_encoder"
FILE = "ip_adapter.safetensors"


def attach_subject(pipe: Any, adapter: str, field: str) -> None:
    """Load an IP-Adapter. Raises WeightsError where the pipeline takes none, or its folder is not whole."""
    place = beside(adapter, field)
    if not hasattr(getattr(pipe, "transformer", None), "_load_ip_adapter_weights") or "Flux" not in type(pipe).__name__:
        raise WeightsError(f"{field}: {adapter}: {type(pipe).__name__} takes no IP-Adapter here; name FluxPipeline, or leave it out")
    file = _file(place, field)
    with safe_open(file, "pt") as weights:
        if not any(key.startswith("double_blocks.") for key in weights.keys()):  # noqa: SIM118
            raise WeightsError(f"{field}: {file}: no weights of an IP-Adapter for FLUX; name the folder of one")
    pipe.load_ip_adapter(
        str(place), weight_name=file.name, image_encoder_pretrained_model_name_or_path=str(place / ENCODER), image_encoder_dtype=pipe.dtype,
        local_files_only=True,
    )  # fmt: skip
    pipe.set_ip_adapter_scale(1.0)


def _file(place: Path, field: str) -> Path:
    if not (place / ENCODER / "config.json").is_file():
        raise WeightsError(f"{field}: {place}: no {ENCODER}/config.json; put the CLIP image encoder that it was trained with there")
    found = sorted(place.glob("*.safetensors"))
    if len(found) != 1 and place / FILE not in found:
        raise WeightsError(f"{field}: {place}: {len(found)} safetensors files; leave one, or name it {FILE}")
    return found[0] if len(found) == 1 else place / FILE
