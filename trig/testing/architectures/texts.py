"""Toy tokenizers and tiny random text encoders, of the classes that real pipelines have."""

from string import printable
from typing import Any

import transformers
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors

WIDTH = 32
"""Of every text encoder."""
BEGIN, END, PAD = "<|begin|>", "<|endoftext|>", "<|pad|>"
MARKS = (
    PAD, BEGIN, END, "<unk>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>", "<|video_pad|>", "[IMG]",
    "[IMG_BREAK]", "[IMG_END]",
)  # fmt: skip
CHAT = "{% for m in messages %}<|im_start|>{{ m['role'] }} {{ m['content'] }}<|im_end|>{% endfor %}"
CHAT_PARTS = "{% for m in messages %}{{ m['role'] }} {% for p in m['content'] %}{{ p['text'] }}{% endfor %}{% endfor %}"
LAYERS = {"num_hidden_layers": 2, "num_attention_heads": 2}


def tokenizer(most: int = 77, begin: bool = False, chat: str | None = None) -> transformers.PreTrainedTokenizerFast:
    """A token per character; `begin`: prompts begin with a mark and end with another."""
    letters = {letter: number for number, letter in enumerate(dict.fromkeys(printable), len(MARKS))}
    rule = Tokenizer(models.WordLevel({**{mark: number for number, mark in enumerate(MARKS)}, **letters}, "<unk>"))
    rule.pre_tokenizer = pre_tokenizers.Split(Regex(r"[\s\S]"), "isolated")
    rule.decoder = decoders.Fuse()
    if begin:
        rule.post_processor = processors.TemplateProcessing(
            single=f"{BEGIN} $A {END}", special_tokens=[(mark, MARKS.index(mark)) for mark in (BEGIN, END)]
        )
    made = transformers.PreTrainedTokenizerFast(
        tokenizer_object=rule, model_max_length=most, pad_token=PAD, bos_token=BEGIN, eos_token=END, unk_token="<unk>",
        additional_special_tokens=list(MARKS[4:]), padding_side="right",
    )  # fmt: skip
    if chat:
        made.chat_template = chat
    return made


WORDS = len(MARKS) + len(printable)
"""Size of the vocabulary."""
IDS = {"pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}


def clip(projection: int | None = None) -> Any:
    """CLIP text model; with a projection where one is asked for."""
    config = transformers.CLIPTextConfig(
        vocab_size=WORDS, hidden_size=WIDTH, intermediate_size=WIDTH, projection_dim=projection or WIDTH, max_position_embeddings=77, **LAYERS, **IDS
    )  # fmt: skip
    return transformers.CLIPTextModelWithProjection(config) if projection else transformers.CLIPTextModel(config)


def t5() -> Any:
    """T5 encoder."""
    return transformers.T5EncoderModel(
        transformers.T5Config(vocab_size=WORDS, d_model=WIDTH, d_kv=8, d_ff=WIDTH, num_layers=2, num_heads=2, dropout_rate=0.0)
    )


def gemma() -> Any:
    """Gemma 2 without its head, as Sana has it."""
    return transformers.Gemma2Model(
        transformers.Gemma2Config(
            vocab_size=WORDS, hidden_size=WIDTH, intermediate_size=WIDTH, head_dim=16, num_key_value_heads=2, query_pre_attn_scalar=16,
            **LAYERS, **IDS,
        )
    )  # fmt: skip


def qwen3(layers: int = 2, head: bool = False) -> Any:
    """Qwen 3; with its language head where one is asked for."""
    config = transformers.Qwen3Config(
        vocab_size=WORDS, hidden_size=WIDTH, intermediate_size=WIDTH, head_dim=16, num_hidden_layers=layers, num_attention_heads=2,
        num_key_value_heads=2, **IDS,
    )  # fmt: skip
    return transformers.Qwen3ForCausalLM(config) if head else transformers.Qwen3Model(config)


def qwen_vl() -> Any:
    """Qwen2.5-VL with a vision tower of one layer."""
    marks = {f"{kind}_token_id": MARKS.index(f"<|{kind.removesuffix('_token')}|>") for kind in ("vision_start", "vision_end")}
    config = transformers.Qwen2_5_VLConfig(
        text_config={
            "vocab_size": WORDS, "hidden_size": WIDTH, "intermediate_size": WIDTH, "num_key_value_heads": 2,
            "rope_parameters": {"rope_type": "default", "mrope_section": [2, 3, 3], "rope_theta": 10000.0}, **LAYERS, **IDS,
        },
        vision_config={
            "depth": 1, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": WIDTH, "patch_size": 14,
            "spatial_merge_size": 2, "fullatt_block_indexes": [0], "window_size": 56,
        },
        image_token_id=MARKS.index("<|image_pad|>"), video_token_id=MARKS.index("<|video_pad|>"), **marks,
    )  # fmt: skip
    return transformers.Qwen2_5_VLForConditionalGeneration(config)


def qwen_processor() -> Any:
    """Tokenizer and picture processor of Qwen2.5-VL; pictures become at most 16 tokens."""
    pictures = transformers.Qwen2VLImageProcessor(patch_size=14, merge_size=2, size={"shortest_edge": 56 * 56, "longest_edge": 112 * 112})
    videos = transformers.Qwen2VLVideoProcessor(patch_size=14, merge_size=2)
    return transformers.Qwen2VLProcessor(pictures, tokenizer(4096, chat=CHAT), videos)


def mistral3() -> Any:
    """Mistral 3, deep enough for the layers that FLUX.2 reads."""
    config = transformers.Mistral3Config(
        text_config={
            "model_type": "mistral", "vocab_size": WORDS, "hidden_size": WIDTH, "intermediate_size": WIDTH, "head_dim": 16,
            "num_hidden_layers": 31, "num_attention_heads": 2, "num_key_value_heads": 2, **IDS,
        },
        vision_config={
            "model_type": "pixtral", "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
            "image_size": 28, "patch_size": 14,
        },
        image_token_index=MARKS.index("[IMG]"),
    )  # fmt: skip
    return transformers.Mistral3ForConditionalGeneration(config)


def pixtral_processor() -> Any:
    """Tokenizer and picture processor of Mistral 3."""
    return transformers.PixtralProcessor(
        transformers.PixtralImageProcessor(patch_size=14, size={"longest_edge": 28}), tokenizer(4096), patch_size=14, spatial_merge_size=2,
        chat_template=CHAT_PARTS,
    )  # fmt: skip


def clip_vision(projection: int) -> Any:
    """CLIP vision model with a projection."""
    return transformers.CLIPVisionModelWithProjection(
        transformers.CLIPVisionConfig(
            hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=32, patch_size=16, projection_dim=projection
        )
    )  # fmt: skip
