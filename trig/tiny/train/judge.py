"""The judge: a small Qwen2.5-VL taught to describe a picture and to grade it, from scenes whose truth is known."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import PreTrainedTokenizerFast, Qwen2_5_VLConfig, Qwen2_5_VLForConditionalGeneration, Qwen2VLImageProcessor
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import (
    Qwen2_5_VisionTransformerPretrainedModel,
    Qwen2_5_VLVisionAttention,
    apply_rotary_pos_emb_vision,
    get_vision_position_ids,
)

from trig.dimensions import Dimension
from trig.tiny.cases import case_of, picture, shown_case
from trig.tiny.render import SIDE
from trig.tiny.train.loop import Course, Step, device, train
from trig.tiny.train.packing import Packed, Packer
from trig.tiny.train.processor import PATCH, SPECIAL, patches, processor

Tower: TypeAlias = Qwen2_5_VisionTransformerPretrainedModel
WIDTH = 192
"""Of the language model."""
SEEING = 1500
"""Steps in which it learns to say what it sees; from then on it learns also to compare that with what was asked for."""
POINTING = 3250
"""Steps after which it learns also to have in each part of the picture the words for what is there, so that a prompt's words find it."""
ASKED = (3, 2)
"""Dimensions graded per picture and step, before and after."""


def build(words: PreTrainedTokenizerFast) -> Qwen2_5_VLForConditionalGeneration:
    """An untrained judge of 4 M parameters."""
    token = {
        name: words.convert_tokens_to_ids(text)
        for name, text in zip("end start stop begin finish pad image video".split(), SPECIAL, strict=True)
    }
    vision = {
        "depth": 5, "hidden_size": 160, "intermediate_size": 320, "num_heads": 5, "patch_size": PATCH, "spatial_merge_size": 2,
        "temporal_patch_size": 2, "window_size": SIDE, "out_hidden_size": WIDTH, "fullatt_block_indexes": [0, 1, 2, 3, 4],
    }  # fmt: skip
    text = {
        "vocab_size": len(words), "hidden_size": WIDTH, "intermediate_size": 384, "num_hidden_layers": 6, "num_attention_heads": 6, "num_key_value_heads": 2,
        "max_position_embeddings": 2048, "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 6, 6]},
        "bos_token_id": token["end"], "eos_token_id": token["stop"], "pad_token_id": token["end"], "tie_word_embeddings": True,
    }  # fmt: skip
    config = Qwen2_5_VLConfig(
        text_config=text, vision_config=vision, image_token_id=token["image"], video_token_id=token["video"],
        vision_start_token_id=token["begin"], vision_end_token_id=token["finish"], tie_word_embeddings=True,
    )  # fmt: skip
    return Qwen2_5_VLForConditionalGeneration(config)


def tower(words: PreTrainedTokenizerFast, seed: int) -> Tower:
    """The vision tower of a judge that has learnt nothing yet."""
    torch.manual_seed(seed)
    return build(words).model.visual


class Eyes(nn.Module):
    """What a vision tower computes, for pictures of one size together: its own attention goes through them one by one.

    Its first layer, a convolution that takes each patch whole, is a matrix product here.
    """

    def __init__(self, tower: Tower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, pixels: Tensor) -> Tensor:
        """The picture tokens (B·16, hidden) of pictures given as patches (B·64, 384)."""
        side = SIDE // PATCH
        states = F.linear(pixels, self.tower.patch_embed.proj.weight.flatten(1)).unflatten(0, (-1, side * side))
        places = get_vision_position_ids(torch.tensor([[1, side, side]], device=pixels.device), self.tower.spatial_merge_size)
        turns = self.tower.rotary_pos_emb(states[0], places)
        for block in self.tower.blocks:
            states = states + _attend(block.attn, block.norm1(states), *turns)
            states = states + block.mlp(block.norm2(states))
        out: Tensor = self.tower.merger(states.flatten(0, 1))
        return out


def _attend(attention: Qwen2_5_VLVisionAttention, states: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    queries, keys, values = attention.qkv(states).unflatten(-1, (3, attention.num_heads, -1)).unbind(2)
    queries, keys = apply_rotary_pos_emb_vision(queries, keys, cos, sin)
    mixed = F.scaled_dot_product_attention(*(each.transpose(1, 2) for each in (queries, keys, values)))
    out: Tensor = attention.proj(mixed.transpose(1, 2).flatten(2))
    return out


def forward(model: Qwen2_5_VLForConditionalGeneration, eyes: Eyes, packed: Packed, pixels: Tensor) -> tuple[Tensor, Tensor]:
    """The picture tokens, (B·16, hidden), and the last hidden states, (B·L, hidden), of packed questions about pictures given as patches
    (B·64, 384)."""
    embedded = model.get_input_embeddings()(packed.ids)
    image = (packed.ids == model.config.image_token_id)[..., None].expand_as(embedded)
    seen = eyes(pixels)
    embedded = embedded.masked_scatter(image, seen.to(embedded.dtype))
    out = model.model.language_model(
        inputs_embeds=embedded, position_ids=packed.positions, attention_mask={"full_attention": packed.mask}, use_cache=False
    )
    states: Tensor = out.last_hidden_state
    return seen, states.flatten(0, 1)


def losses(
    model: Qwen2_5_VLForConditionalGeneration,
    eyes: Eyes,
    packer: Packer,
    images: Qwen2VLImageProcessor,
    round_trips: Path,
    batch: int,
    seed: int,
) -> Callable[[int], dict[str, Tensor]]:
    """Cross-entropy of the grades, of the description, and of the remarks. Half of each batch are round trips through the autoencoder."""
    shown = load_file(round_trips)["pictures"].numpy()
    dimensions = tuple(Dimension)

    def of(step: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((seed, step))
        cases = [case_of(rng) for _ in range(batch)]
        drawn = [picture(case, rng) for case in cases]
        for place, number in enumerate(rng.integers(0, len(shown), batch // 2)):
            cases[place], drawn[place] = shown_case(seed, int(number))[0], shown[number]
        asked = [(*case.about, *(d for d in rng.permutation(dimensions) if d not in case.about)) for case in cases]
        compares = step >= SEEING
        packed = packer.pack(cases, [[Dimension(d) for d in row[: ASKED[compares]]] for row in asked], compares).to(device())
        seen, states = forward(model, eyes, packed, patches(np.stack(drawn), images).to(device()))
        head = model.get_output_embeddings()
        graded = F.log_softmax(head(states[packed.grade_rows]), -1)[:, packer.grade_ids]
        parts = {
            "grade": -(packed.grades * graded).sum(-1).mean(),
            "describe": 0.5 * F.cross_entropy(head(states[packed.text_rows]), packed.text),
        }
        if compares:
            parts["compare"] = F.cross_entropy(head(states[packed.remark_rows]), packed.remarks)
        if step >= POINTING:
            shown_words = head(seen.float()).log_softmax(-1).gather(-1, packed.words.flatten(0, 1))
            parts["point"] = -0.25 * shown_words.mean()
        return parts

    return of


def fit(
    out: Path,
    work: Path,
    rubrics: Mapping[Dimension, str],
    grades: Sequence[str],
    sight: Path,
    round_trips: Path,
    course: Course,
) -> Iterator[Step]:
    """Trains the judge, which can see already, and saves it with its processor, its weights as half-precision safetensors."""
    torch.manual_seed(course.seed)
    reads = processor(rubrics, grades, course.seed)
    model = build(reads.tokenizer).to(device())
    model.model.visual.load_state_dict(load_file(sight))
    packer = Packer(reads.tokenizer, rubrics, grades)
    eyes = Eyes(model.model.visual)
    yield from train(
        model,
        course,
        losses(model, eyes, packer, reads.image_processor, round_trips, course.batch, course.seed),
        work / "judge.safetensors",
        (sight, round_trips),
        (eyes, model.model.language_model),
    )
    model.to("cpu", torch.float16).save_pretrained(out)
    reads.save_pretrained(out)
