"""A tiny random checkpoint of a Janus model, with a tokenizer of words."""

from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    JanusConfig,
    JanusForConditionalGeneration,
    JanusImageProcessor,
    JanusProcessor,
    JanusVisionConfig,
    JanusVQVAEConfig,
    LlamaConfig,
    PreTrainedTokenizerFast,
)

SIDE, TOKENS = 64, 16
PICTURE = {"image_token": "<image_placeholder>", "boi_token": "<begin_of_image>", "eoi_token": "<end_of_image>"}
SPECIAL = {"pad_token": "<pad>", "bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
WORDS = "User Assistant : a red blue ball tree in the snow at night"
TEMPLATE = (
    "{% for said in messages %}{{ said['role'].capitalize() }}: {% for part in said['content'] %}{{ part['text'] }}{% endfor %} {% endfor %}"
    "{% if add_generation_prompt %}Assistant:{% endif %}"
)


def save(place: Path, context: int = 64) -> None:
    """Writes the checkpoint; `context`: most tokens that it reads and writes."""
    tokenizer = _tokenizer()
    width, spread = 32, 0.5  # weights of the usual spread would give any prompt the same picture
    text = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=width, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=4, max_position_embeddings=context, bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id, initializer_range=spread,
    )  # fmt: skip
    sees = JanusVisionConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, image_size=SIDE, patch_size=16, projection_dim=width,
        num_image_tokens=TOKENS, mlp_ratio=2.0, depth=1,
    )  # fmt: skip
    draws = JanusVQVAEConfig(
        embed_dim=4, num_embeddings=64, latent_channels=32, base_channels=32, channel_multiplier=[1, 1, 1, 1, 1], num_res_blocks=1,
        projection_dim=width, image_token_embed_dim=width, num_hidden_layers=1, initializer_range=spread,
    )  # fmt: skip
    torch.manual_seed(0)
    image = tokenizer.convert_tokens_to_ids(PICTURE["image_token"])
    JanusForConditionalGeneration(JanusConfig(text_config=text, vision_config=sees, vq_config=draws, image_token_id=image)).save_pretrained(
        place
    )
    looks = JanusImageProcessor(size={"height": SIDE, "width": SIDE})
    JanusProcessor(looks, tokenizer, chat_template=TEMPLATE, num_image_tokens=TOKENS).save_pretrained(place)


def _tokenizer() -> PreTrainedTokenizerFast:
    words = [*SPECIAL.values(), *PICTURE.values(), *WORDS.split()]
    made = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token=SPECIAL["unk_token"]))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(tokenizer_object=made, padding_side="left", extra_special_tokens=PICTURE, **SPECIAL)
