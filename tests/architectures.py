"""Vision-language models of many architectures: a small random model with its processor each, to save and load."""

from collections.abc import Callable
from typing import Any, TypeAlias

import transformers as hf
from tokenizers.processors import TemplateProcessing

Made: TypeAlias = tuple[Any, Any]
"""Model and processor."""
TEXT = {"hidden_size": 64, "intermediate_size": 96, "num_hidden_layers": 2, "num_attention_heads": 4, "num_key_value_heads": 2}
VISION = {"hidden_size": 32, "intermediate_size": 48, "patch_size": 8}
SIGLIP = {**VISION, "model_type": "siglip_vision_model", "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 32}
SIDE = {"height": 32, "width": 32}
QUIET = {"pad_token_id": 0, "bos_token_id": 0, "eos_token_id": 2}


def template(image: str, bos: str = "") -> str:
    """A chat template, with what stands for a picture."""
    parts = f"{{% if part['type'] == 'image' %}}{image}{{% else %}}{{{{ part['text'] }}}}{{% endif %}}"
    turns = f"{{% for message in messages %}}User: {{% for part in message['content'] %}}{parts}{{% endfor %}}\n{{% endfor %}}"
    return f"{bos}{turns}{{% if add_generation_prompt %}}Answer:{{% endif %}}"


def words(tiny: Any, *, bos: bool = False, **named: str) -> Any:
    """The tiny judge's tokenizer with further special tokens, by name; `bos`: it writes `<s>` before every text."""
    found = hf.PreTrainedTokenizerFast(
        tokenizer_object=tiny.tokenizer.backend_tokenizer,
        bos_token="<s>",
        eos_token="<|im_end|>",
        pad_token="<|endoftext|>",
        extra_special_tokens=named,
    )
    if bos:
        found.backend_tokenizer.post_processor = TemplateProcessing(
            single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", found.bos_token_id)]
        )
    return found


def text_of(tokenizer: Any, **more: Any) -> dict[str, Any]:
    return {**TEXT, "vocab_size": len(tokenizer), **QUIET, **more}


def qwen_ids(tiny: Any) -> dict[str, int]:
    pads = {f"{kind}_token_id": tiny.tokenizer.convert_tokens_to_ids(f"<|{kind}_pad|>") for kind in ("image", "video")}
    return pads | {f"vision_{end}_token_id": tiny.tokenizer.convert_tokens_to_ids(f"<|vision_{end}|>") for end in ("start", "end")}


def qwen2_vl(tiny: Any) -> Made:
    rope = {"rope_type": "default", "mrope_section": [4, 2, 2], "rope_theta": 10000.0}
    vision = {"depth": 2, "embed_dim": 32, "num_heads": 2, "mlp_ratio": 2, "patch_size": 8, "hidden_size": 64}
    config = hf.Qwen2VLConfig(text_config=text_of(tiny.tokenizer, rope_parameters=rope), vision_config=vision, **qwen_ids(tiny))
    processor = hf.Qwen2VLProcessor(
        tiny.image_processor, tiny.tokenizer, hf.Qwen2VLVideoProcessor(patch_size=8), chat_template=tiny.chat_template
    )
    return hf.Qwen2VLForConditionalGeneration(config), processor


def qwen2_5_vl(tiny: Any) -> Made:
    rope = {"rope_type": "default", "mrope_section": [4, 2, 2], "rope_theta": 10000.0}
    vision = {**VISION, "depth": 2, "num_heads": 2, "out_hidden_size": 64, "window_size": 32, "fullatt_block_indexes": [1]}
    config = hf.Qwen2_5_VLConfig(text_config=text_of(tiny.tokenizer, rope_parameters=rope), vision_config=vision, **qwen_ids(tiny))
    return hf.Qwen2_5_VLForConditionalGeneration(config), tiny


def qwen3_vl(tiny: Any) -> Made:
    rope = {"rope_type": "default", "mrope_section": [4, 2, 2], "mrope_interleaved": True}
    vision = {
        **VISION,
        "depth": 2,
        "num_heads": 2,
        "out_hidden_size": 64,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0, 1],
    }
    text = text_of(tiny.tokenizer, head_dim=16, rope_scaling=rope)
    config = hf.Qwen3VLConfig(text_config=text, vision_config=vision, **qwen_ids(tiny))
    video = hf.Qwen3VLVideoProcessor(patch_size=8)
    processor = hf.Qwen3VLProcessor(tiny.image_processor, tiny.tokenizer, video, chat_template=tiny.chat_template)
    return hf.Qwen3VLForConditionalGeneration(config), processor


def qwen3_5(tiny: Any) -> Made:
    rope = {"rope_type": "default", "mrope_section": [2, 1, 1], "mrope_interleaved": True, "partial_rotary_factor": 0.5, "rope_theta": 1e4}
    linear = {"linear_key_head_dim": 16, "linear_value_head_dim": 16, "linear_num_key_heads": 2, "linear_num_value_heads": 2}
    kinds = {"layer_types": ["linear_attention", "full_attention"]}
    vision = {**VISION, "depth": 2, "num_heads": 2, "out_hidden_size": 64, "num_position_embeddings": 64}
    text = text_of(tiny.tokenizer, head_dim=16, rope_parameters=rope, **linear, **kinds)
    config = hf.Qwen3_5Config(text_config=text, vision_config=vision, **qwen_ids(tiny))
    video = hf.Qwen3VLVideoProcessor(patch_size=8)
    processor = hf.Qwen3VLProcessor(tiny.image_processor, tiny.tokenizer, video, chat_template=tiny.chat_template)
    return hf.Qwen3_5ForConditionalGeneration(config), processor


def llava(tiny: Any) -> Made:
    tokenizer = words(tiny, bos=True, image_token="<image>")
    config = hf.LlavaConfig(
        text_config={"model_type": "llama", **text_of(tokenizer)},
        vision_config={**SIGLIP, "model_type": "clip_vision_model", "projection_dim": 32},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_seq_length=16,
    )
    images = hf.CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=SIDE)
    processor = hf.LlavaProcessor(
        images,
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template("<image>"),
    )
    return hf.LlavaForConditionalGeneration(config), processor


def llava_next(tiny: Any) -> Made:
    tokenizer, grids = words(tiny, bos=True, image_token="<image>"), [[32, 64], [64, 32]]
    config = hf.LlavaNextConfig(
        text_config={"model_type": "llama", **text_of(tokenizer)},
        vision_config={**SIGLIP, "model_type": "clip_vision_model", "projection_dim": 32},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        image_grid_pinpoints=grids,
        image_seq_length=16,
    )
    images = hf.LlavaNextImageProcessor(size={"shortest_edge": 32}, crop_size=SIDE, image_grid_pinpoints=grids)
    processor = hf.LlavaNextProcessor(
        images,
        tokenizer,
        patch_size=8,
        vision_feature_select_strategy="default",
        num_additional_image_tokens=1,
        chat_template=template("<image>"),
    )
    return hf.LlavaNextForConditionalGeneration(config), processor


def llava_onevision(tiny: Any) -> Made:
    grids = [[32, 32], [32, 64], [64, 32]]
    ids = {name: value for name, value in qwen_ids(tiny).items() if "vision" not in name}
    config = hf.LlavaOnevisionConfig(
        text_config={"model_type": "qwen2", **text_of(tiny.tokenizer)},
        vision_config={**SIGLIP, "vision_use_head": False},
        image_grid_pinpoints=grids,
        vision_feature_layer=-1,
        **ids,
    )
    processor = hf.LlavaOnevisionProcessor(
        hf.LlavaOnevisionImageProcessor(size=SIDE, image_grid_pinpoints=grids),
        tiny.tokenizer,
        hf.LlavaOnevisionVideoProcessor(size=SIDE),
        num_image_tokens=16,
        vision_feature_select_strategy="full",
        image_token="<|image_pad|>",
        video_token="<|video_pad|>",
        chat_template=tiny.chat_template,
    )
    return hf.LlavaOnevisionForConditionalGeneration(config), processor


def internvl(tiny: Any) -> Made:
    tokenizer = words(
        tiny,
        start_image_token="<img>",
        end_image_token="</img>",
        context_image_token="<IMG_CONTEXT>",
        video_token="<video>",
    )
    vision = {**VISION, "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": [32, 32], "patch_size": [8, 8]}
    config = hf.InternVLConfig(
        text_config={"model_type": "qwen2", **text_of(tokenizer)},
        vision_config={"model_type": "internvl_vision", **vision},
        image_token_id=tokenizer.convert_tokens_to_ids("<IMG_CONTEXT>"),
        image_seq_length=4,
    )
    processor = hf.InternVLProcessor(
        hf.GotOcr2ImageProcessor(size=SIDE, crop_to_patches=False),
        tokenizer,
        hf.InternVLVideoProcessor(size=SIDE),
        image_seq_length=4,
        chat_template=template("<IMG_CONTEXT>\n"),
    )
    return hf.InternVLForConditionalGeneration(config), processor


def glm4v(tiny: Any) -> Made:
    names = ("<|image|>", "<|video|>", "<|begin_of_image|>", "<|end_of_image|>", "<|begin_of_video|>", "<|end_of_video|>")
    tokenizer = words(
        tiny, image_token=names[0], video_token=names[1], begun=names[2], ended=names[3], film_begun=names[4], film_ended=names[5]
    )
    ids = [tokenizer.convert_tokens_to_ids(name) for name in names]
    rope = {"rope_type": "default", "mrope_section": [2, 1, 1], "partial_rotary_factor": 0.5, "rope_theta": 1e4}
    config = hf.Glm4vConfig(
        text_config=text_of(tokenizer, rope_parameters=rope),
        vision_config={**VISION, "depth": 2, "num_heads": 2, "out_hidden_size": 64, "image_size": 32},
        **dict(zip(
            "image_token_id video_token_id image_start_token_id image_end_token_id video_start_token_id video_end_token_id".split(),
            ids, strict=True,
        )),
    )  # fmt: skip
    size = {"shortest_edge": 256, "longest_edge": 16384}
    processor = hf.Glm4vProcessor(
        hf.Glm4vImageProcessor(patch_size=8, size=size),
        tokenizer,
        hf.Glm4vVideoProcessor(patch_size=8, size=size),
        chat_template=template("<|begin_of_image|><|image|><|end_of_image|>"),
    )
    return hf.Glm4vForConditionalGeneration(config), processor


def idefics3(tiny: Any) -> Made:
    tokenizer = words(
        tiny, bos=True, image_token="<image>", fake="<fake_token_around_image>", whole="<global-img>", end="<end_of_utterance>"
    )
    vision = {**SIGLIP, "model_type": "idefics3_vision"}
    config = hf.Idefics3Config(
        text_config={"model_type": "llama", **text_of(tokenizer)},
        vision_config=vision,
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        scale_factor=2,
        pad_token_id=0,
    )
    images = hf.Idefics3ImageProcessor(size={"longest_edge": 64}, max_image_size={"longest_edge": 32}, do_image_splitting=False)
    processor = hf.Idefics3Processor(images, tokenizer, image_seq_len=4, chat_template=template("<image>", bos="<s>"))
    return hf.Idefics3ForConditionalGeneration(config), processor


def smolvlm(tiny: Any) -> Made:
    tokenizer = words(
        tiny,
        image_token="<image>",
        fake_image_token="<fake_token_around_image>",
        global_image_token="<global-img>",
        end="<end_of_utterance>",
    )
    config = hf.SmolVLMConfig(
        text_config={"model_type": "llama", **text_of(tokenizer)},
        vision_config={**SIGLIP, "model_type": "smolvlm_vision"},
        image_token_id=tokenizer.convert_tokens_to_ids("<image>"),
        scale_factor=2,
        pad_token_id=0,
    )
    images = hf.SmolVLMImageProcessor(size={"longest_edge": 64}, max_image_size={"longest_edge": 32}, do_image_splitting=False)
    processor = hf.SmolVLMProcessor(images, tokenizer, hf.SmolVLMVideoProcessor(), image_seq_len=4, chat_template=template("<image>"))
    return hf.SmolVLMForConditionalGeneration(config), processor


def mistral3(tiny: Any) -> Made:
    tokenizer = words(tiny, bos=True, image_token="[IMG]", image_break_token="[IMG_BREAK]", image_end_token="[IMG_END]")
    vision = {**VISION, "model_type": "pixtral", "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 64, "head_dim": 16}
    config = hf.Mistral3Config(
        text_config={"model_type": "mistral", **text_of(tokenizer, head_dim=16)},
        vision_config=vision,
        image_token_index=tokenizer.convert_tokens_to_ids("[IMG]"),
        spatial_merge_size=2,
    )
    images = hf.PixtralImageProcessor(size={"longest_edge": 64}, patch_size={"height": 8, "width": 8})
    processor = hf.PixtralProcessor(images, tokenizer, patch_size=8, spatial_merge_size=2, chat_template=template("[IMG]", bos="<s>"))
    return hf.Mistral3ForConditionalGeneration(config), processor


def pixtral(tiny: Any) -> Made:
    tokenizer = words(tiny, bos=True, image_token="[IMG]", image_break_token="[IMG_BREAK]", image_end_token="[IMG_END]")
    vision = {**VISION, "model_type": "pixtral", "num_hidden_layers": 2, "num_attention_heads": 2, "image_size": 64, "head_dim": 16}
    config = hf.LlavaConfig(
        text_config={"model_type": "mistral", **text_of(tokenizer, head_dim=16)},
        vision_config=vision,
        image_token_index=tokenizer.convert_tokens_to_ids("[IMG]"),
        vision_feature_layer=-1,
        vision_feature_select_strategy="full",
    )
    images = hf.PixtralImageProcessor(size={"longest_edge": 64}, patch_size={"height": 8, "width": 8})
    processor = hf.PixtralProcessor(images, tokenizer, patch_size=8, chat_template=template("[IMG]", bos="<s>"))
    return hf.LlavaForConditionalGeneration(config), processor


def gemma3(tiny: Any, window: int = 512) -> Made:
    tokenizer = words(tiny, bos=True, image_token="<image_soft_token>", boi_token="<start_of_image>", eoi_token="<end_of_image>")
    text = text_of(tokenizer, head_dim=16, sliding_window=window, layer_types=["sliding_attention", "full_attention"])
    config = hf.Gemma3Config(
        text_config=text,
        vision_config=SIGLIP,
        mm_tokens_per_image=4,
        boi_token_index=tokenizer.convert_tokens_to_ids("<start_of_image>"),
        eoi_token_index=tokenizer.convert_tokens_to_ids("<end_of_image>"),
        image_token_index=tokenizer.convert_tokens_to_ids("<image_soft_token>"),
    )
    processor = hf.Gemma3Processor(
        hf.Gemma3ImageProcessor(size=SIDE), tokenizer, image_seq_length=4, chat_template=template("<start_of_image>", bos="<s>")
    )
    return hf.Gemma3ForConditionalGeneration(config), processor


def paligemma(tiny: Any) -> Made:
    tokenizer = words(tiny, image_token="<image>")
    config = hf.PaliGemmaConfig(
        text_config={"model_type": "gemma", **text_of(tokenizer, head_dim=16)},
        vision_config={**SIGLIP, "projection_dim": 64, "vision_use_head": False},
        image_token_index=tokenizer.convert_tokens_to_ids("<image>"),
        projection_dim=64,
    )
    images = hf.SiglipImageProcessor(size=SIDE)
    images.image_seq_length = 16
    return hf.PaliGemmaForConditionalGeneration(config), hf.PaliGemmaProcessor(images, tokenizer, chat_template=template("<image>"))


def mllama(tiny: Any) -> Made:
    tokenizer = words(tiny, bos=True, image_token="<|image|>")
    config = hf.MllamaConfig(
        text_config={**text_of(tokenizer), "num_hidden_layers": 3, "cross_attention_layers": [1]},
        vision_config={
            **VISION, "num_hidden_layers": 2, "num_global_layers": 1, "attention_heads": 2, "image_size": 32, "max_num_tiles": 2,
            "vision_output_dim": 64, "intermediate_layers_indices": [0], "supported_aspect_ratios": [[1, 1], [1, 2], [2, 1]],
        },
        image_token_index=tokenizer.convert_tokens_to_ids("<|image|>"),
    )  # fmt: skip
    processor = hf.MllamaProcessor(
        hf.MllamaImageProcessor(size=SIDE, max_image_tiles=2), tokenizer, chat_template=template("<|image|>", bos="<s>")
    )
    model = hf.MllamaForConditionalGeneration(config)
    for name, gate in model.named_parameters():
        if "_gate" in name:  # closed at random weights: no picture would be seen
            gate.data.fill_(1.0)
    return model, processor


FAMILIES: dict[str, Callable[[Any], Made]] = {
    make.__name__: make
    for make in (
        qwen2_vl, qwen2_5_vl, qwen3_vl, qwen3_5, llava, llava_next, llava_onevision, internvl, glm4v, idefics3, smolvlm, mistral3, pixtral,
        gemma3, paligemma, mllama,
    )
}  # fmt: skip
