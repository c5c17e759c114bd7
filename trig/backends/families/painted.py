"""Families that are painted and not trained: what of each differs from what its pipeline's signature tells."""

from collections.abc import Collection, Hashable, Iterator, Sequence
from typing import Any

from diffusers.pipelines.hunyuan_image.pipeline_hunyuanimage import extract_glyph_text
from PIL import Image

from trig.backends.families.calls import Calls, Share, parameters
from trig.params.models.diffusers import DiffusersModel


class Consistent(Calls):
    """Latent consistency models."""

    pipelines = ("LatentConsistencyModelPipeline",)
    text = Share.ANY


class Edited(Calls):
    """Stable Diffusion that paints over a source, in the source's size."""

    pipelines = (
        "StableDiffusionInstructPix2PixPipeline", "StableDiffusionXLInstructPix2PixPipeline", "StableDiffusionImg2ImgPipeline",
        "StableDiffusionXLImg2ImgPipeline",
    )  # fmt: skip
    edits = Share.ANY

    def paints_text(self, accepts: Collection[str]) -> bool:  # noqa: ARG002
        """Never."""
        return False


class Transformer(Calls):
    """Diffusion transformers over patches of two cells."""

    pipelines = (
        "PixArtAlphaPipeline", "PixArtSigmaPipeline", "AuraFlowPipeline", "Lumina2Pipeline", "ChromaPipeline", "HunyuanDiTPipeline",
    )  # fmt: skip
    text = Share.ANY
    cell = 2


class SanaSprint(Calls):
    """SANA-Sprint, distilled to a few steps."""

    pipelines = ("SanaSprintPipeline",)
    text = Share.ANY
    least = 32


class ZImage(Calls):
    """Z-Image; its guidance is off at 0, and acts at 1."""

    pipelines = ("ZImagePipeline",)
    text = Share.ANY
    cell = 2

    def arguments(self, model: DiffusersModel, accepts: Collection[str], distilled: bool) -> dict[str, Any]:
        """No guidance at 1 or less, as everywhere."""
        wanted = super().arguments(model, accepts, distilled)
        return wanted | ({"guidance_scale": 0.0} if model.guidance_scale <= 1 else {})


class CogView4(Calls):
    """Prompts are padded to the longest of a batch, and the padding is not masked."""

    pipelines = ("CogView4Pipeline",)
    text = Share.LENGTH
    least = 16


class OmniGen(Calls):
    """One network for prompts and pictures; a picture has a place in the prompt."""

    pipelines = ("OmniGenPipeline",)
    text = Share.LENGTH
    cell = 2

    def paints_edits(self, accepts: Collection[str]) -> bool:
        """As `input_images`."""
        return "input_images" in accepts

    def sources(self, pictures: Sequence[Image.Image]) -> dict[str, Any]:
        """A list of pictures per prompt."""
        return {"input_images": [[picture] for picture in pictures]}

    def prompts(self, prompts: Sequence[str], edits: bool) -> dict[str, Any]:
        """The source comes first, as on the model card."""
        return {"prompt": [f"<img><|image_1|></img> {prompt}" if edits else prompt for prompt in prompts]}


class Flux2(Calls):
    """FLUX.2 and its klein models: a list of pictures is one row's references."""

    pipelines = ("Flux2Pipeline", "Flux2KleinPipeline")
    text = Share.ANY
    cell = 2

    def distilled(self, pipe: Any) -> bool:
        """The distilled klein models say so in their configuration, and ignore guidance."""
        return super().distilled(pipe) or self._ignores(pipe)

    def faults(self, pipe: Any, model: DiffusersModel) -> Iterator[str]:
        """Guidance of a distilled klein model."""
        yield from super().faults(pipe, model)
        if self._ignores(pipe) and model.guidance_scale > 1:
            yield f"guidance_scale: {model.guidance_scale:g}: this model is distilled and ignores guidance; set it to 1"

    def _ignores(self, pipe: Any) -> bool:
        return bool(pipe.config.get("is_distilled"))


class QwenEdit(Calls):
    """Qwen-Image-Edit: a source is not optional."""

    pipelines = ("QwenImageEditPipeline",)
    edits = Share.ANY
    cell = 2
    empty_negative = True

    def paints_text(self, accepts: Collection[str]) -> bool:  # noqa: ARG002
        """Never."""
        return False


class QwenEditPlus(QwenEdit):
    """A list of pictures is one row's references, and a batch has one row."""

    pipelines = ("QwenImageEditPlusPipeline",)
    edits = Share.NONE


class HunyuanImage(Calls):
    """Guided by a component of its own, or by an input of its own name where guidance is distilled."""

    pipelines = ("HunyuanImagePipeline",)
    text = Share.ANY
    tokenizers = ("tokenizer",)

    def alike(self, prompt: str) -> Hashable:
        """A batch with any words in quotes is guided by another guider."""
        return extract_glyph_text(prompt) is not None

    def arguments(self, model: DiffusersModel, accepts: Collection[str], distilled: bool) -> dict[str, Any]:
        """See `prepare`."""
        wanted = super().arguments(model, accepts, distilled)
        wanted.pop("guidance_scale", None)
        return wanted | ({"distilled_guidance_scale": model.guidance_scale} if distilled else {})

    def prepare(self, pipe: Any, model: DiffusersModel) -> None:
        """Its guiders get the entry's guidance."""
        for guider in (pipe.guider, pipe.ocr_guider):
            if guider is not None:
                guider.guidance_scale = model.guidance_scale


class LEdits(Calls):
    """LEdits++: the source is inverted first, and its noise kept by the pipeline. Guidance is that of the edit."""

    pipelines = ("LEditsPPPipelineStableDiffusion",)
    least = 32

    def accepts(self, pipe: Any) -> dict[str, Any]:
        """Those of the inversion too."""
        return super().accepts(pipe) | self._inverts(pipe) | {"image": None}

    def arguments(self, model: DiffusersModel, accepts: Collection[str], distilled: bool) -> dict[str, Any]:
        """Steps are those of the inversion, which the edit retraces."""
        wanted = super().arguments(model, [*accepts, "guidance_scale"], distilled)
        wanted["num_inversion_steps"] = wanted.pop("num_inference_steps")
        wanted["edit_guidance_scale"] = wanted.pop("guidance_scale")
        return wanted

    def paints_text(self, accepts: Collection[str]) -> bool:  # noqa: ARG002
        """Never."""
        return False

    def prompts(self, prompts: Sequence[str], edits: bool) -> dict[str, Any]:  # noqa: ARG002
        """One instruction is one concept to bring in."""
        return {"editing_prompt": list(prompts)}

    def run(self, pipe: Any, call: dict[str, Any]) -> Any:
        """Inversion, then the edit; both draw from the row's generator."""
        (generator,) = call.pop("generator")
        before = {name: call.pop(name) for name in self._inverts(pipe) if name in call}
        pipe.invert(**before, generator=generator)
        return pipe(**call, generator=generator)

    def _inverts(self, pipe: Any) -> dict[str, Any]:
        shared = {"generator", "cross_attention_kwargs", "clip_skip"}
        return {name: default for name, default in parameters(pipe.invert).items() if name not in shared}
