"""The judge: a small Qwen2.5-VL taught to read a prompt with the picture in view and to grade it, from scenes whose truth is known."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, Dataset
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
)
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import (
    Qwen2_5_VisionTransformerPretrainedModel,
    Qwen2_5_VLTextModel,
    Qwen2_5_VLVisionAttention,
    apply_rotary_pos_emb_vision,
    get_vision_position_ids,
)

from tinyworld.cases import Case, case_of, picture, shown_case
from tinyworld.language import recall
from tinyworld.render import SIDE
from tinyworld.training.loop import Course, Step, device, train
from tinyworld.training.packing import Packed, Packer
from tinyworld.training.processor import PATCH, SPECIAL, patches, processor
from trig.vocabulary.dimensions import Dimension

Tower: TypeAlias = Qwen2_5_VisionTransformerPretrainedModel
WIDTH = 192
"""Of the language model."""
DEPTH = 6
"""The language model's layers."""
SUM_BY = 2
"""The layer after which the picture is summed up in words between picture and prompt."""
READ_BY = 4
"""The layer after which a prompt's words have been compared with the picture, so that those above can weigh what was found."""
MISREMEMBERED = 0.5
"""How much of a scene's further prompts is changed."""
ASKED = 3
"""Dimensions graded per picture and step: the two that the case is about, and others."""
READ = 5
"""Prompts read with each picture in view, its own among them."""


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
        "vocab_size": len(words), "hidden_size": WIDTH, "intermediate_size": 384, "num_hidden_layers": DEPTH, "num_attention_heads": 6,
        "num_key_value_heads": 2,
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
    queries, keys, values = (each.transpose(1, 2) for each in (queries, keys, values))
    shares = (queries @ keys.transpose(-1, -2) * attention.scaling).softmax(-1, torch.float32).to(values.dtype)
    out: Tensor = attention.proj((shares @ values).transpose(1, 2).flatten(2))
    return out


class Layers(nn.Module):
    """What a language model's first layers compute for packed tokens."""

    def __init__(self, language: Qwen2_5_VLTextModel) -> None:
        super().__init__()
        self.language = language

    def forward(self, states: Tensor, positions: Tensor, mask: Tensor, stops: tuple[int, ...]) -> tuple[Tensor, ...]:
        """The states (B, L, hidden) after so many layers, of embedded tokens with positions (3, B, L) and additive mask (B, 1, L, L)."""
        turns = self.language.rotary_emb(states, positions)
        found = []
        for number, layer in enumerate(self.language.layers[: stops[-1]], 1):
            states = layer(states, attention_mask=mask, position_embeddings=turns)
            if number in stops:
                found.append(self.language.norm(states))
        return tuple(found)


def states(
    model: Qwen2_5_VLForConditionalGeneration, layers: Layers, packed: Packed, seen: Tensor, stops: tuple[int, ...] = (DEPTH,)
) -> list[Tensor]:
    """The states (B·L, hidden) of packed tokens after so many layers, given the picture tokens (B·16, hidden)."""
    embedded = model.get_input_embeddings()(packed.ids)
    image = (packed.ids == model.config.image_token_id)[..., None].expand_as(embedded)
    embedded = embedded.masked_scatter(image, seen.to(embedded.dtype))
    kind = embedded.device.type
    exact = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else embedded.dtype
    mask = torch.zeros_like(packed.mask, dtype=exact).masked_fill(~packed.mask, torch.finfo(exact).min)
    return [after.flatten(0, 1) for after in layers(embedded, packed.positions, mask, stops)]


@dataclass(frozen=True, slots=True)
class Lesson:
    """One step's pictures with what should be found in them."""

    pixels: Tensor  # (B·64, 384)
    pointed: tuple[Tensor, Tensor]
    read: Packed
    summed_up: tuple[Tensor, Tensor]
    graded: Packed


class Lessons(Dataset[Lesson]):
    """A step's lesson by its number. Half of the pictures are round trips through the autoencoder, which have a seed of their own."""

    def __init__(
        self,
        packer: Packer,
        images: Qwen2VLImageProcessor,
        round_trips: tuple[Path, int],
        course: Course,
        weights: Mapping[Dimension, float],
    ) -> None:
        self.packer, self.images, self.batch, self.seed, self.weights = packer, images, course.batch, course.seed, weights
        path, self.shown_seed = round_trips
        self.shown = load_file(path)["pictures"].numpy()

    def ahead(self, start: int, stop: int) -> Iterator[Lesson]:
        """The lessons of steps, drawn by another process while one is taught."""
        return iter(DataLoader(self, None, sampler=range(start, stop), num_workers=1, multiprocessing_context="spawn", prefetch_factor=4))

    def __getitem__(self, step: int) -> Lesson:
        rng = np.random.default_rng((self.seed, step))
        fresh = [case_of(rng, self.weights) for _ in range(self.batch - self.batch // 2)]
        numbers = rng.integers(0, len(self.shown), self.batch // 2)
        cases = [*fresh, *(shown_case(self.shown_seed, int(number))[0] for number in numbers)]
        pictures = np.stack([*(picture(case, rng) for case in fresh), *self.shown[numbers]])
        scenes = [case.scene for case in cases]
        requests = [[case.request, *(recall(rng, case.scene, MISREMEMBERED) for _ in range(READ - 1))] for case in cases]
        read = self.packer.read(scenes, requests)
        return Lesson(
            patches(pictures, self.images),
            self.packer.point(scenes),
            read,
            self.packer.sum_up(scenes, read.ids.shape[1]),
            self.packer.grade(cases, [_asked(case, rng) for case in cases]),
        )


def _asked(case: Case, rng: np.random.Generator) -> list[Dimension]:
    others = [dimension for dimension in Dimension if dimension not in case.about]
    return [*case.about, *(others[number] for number in rng.permutation(len(others)))][:ASKED]


def losses(
    model: Qwen2_5_VLForConditionalGeneration, eyes: Eyes, layers: Layers, lessons: Lessons, steps: int
) -> Callable[[int], dict[str, Tensor]]:
    """Cross-entropy of the words for what is in each part of the picture and in the whole, of the notes on prompts' words, and of the grades.

    Steps must be asked for in order, from any on.
    """
    ahead: list[Iterator[Lesson]] = []
    head = model.get_output_embeddings()

    def of(step: int) -> dict[str, Tensor]:
        ahead[:] = ahead or [lessons.ahead(step, steps)]
        lesson = next(ahead[0])
        seen = eyes(lesson.pixels.to(device()))
        (at, words), (sums, summed) = ([each.to(device()) for each in pair] for pair in (lesson.pointed, lesson.summed_up))
        read, graded = lesson.read.to(device()), lesson.graded.to(device())
        early, compared = states(model, layers, read, seen, (SUM_BY, READ_BY))
        (last,) = states(model, layers, graded, seen)
        grades = head(last[graded.rows]).float().log_softmax(-1)[:, lessons.packer.grade_ids]
        return {
            "point": 0.5 * F.cross_entropy(head(seen[at]).float(), words),
            "sum": F.cross_entropy(head(early[sums]).float(), summed),
            "read": F.cross_entropy(head(compared[read.rows]).float(), read.targets),
            "grade": -(graded.targets * grades).sum(-1).mean(),
        }

    return of


def fit(
    out: Path,
    work: Path,
    rubrics: Mapping[Dimension, str],
    grades: Sequence[str],
    sight: Path,
    round_trips: tuple[Path, int],
    course: Course,
    weights: Mapping[Dimension, float],
    start: Path | None = None,
) -> Iterator[Step]:
    """Trains the judge, and saves it with its processor, its weights as half-precision safetensors.

    `weights` says how often a drawing's case is about a dimension, against 1 for the others. The judge can see already:
    its vision tower comes from `sight`, or all of it from the folder `start`, a judge that learns more.
    """
    torch.manual_seed(course.seed)
    if start:
        reads = Qwen2_5_VLProcessor.from_pretrained(start)
        model = Qwen2_5_VLForConditionalGeneration.from_pretrained(start).float().to(device())
    else:
        reads = processor(rubrics, grades, course.seed)
        model = build(reads.tokenizer).to(device())
        model.model.visual.load_state_dict(load_file(sight))
    packer = Packer(reads.tokenizer, rubrics, grades)
    model.set_attn_implementation("eager")  # the fused attention's backward pass is the slowest part of a step on a processor
    eyes, layers = Eyes(model.model.visual), Layers(model.model.language_model)
    lessons = Lessons(packer, reads.image_processor, round_trips, course, weights)
    yield from train(
        model,
        course,
        losses(model, eyes, layers, lessons, course.steps),
        work / "judge.safetensors",
        (start / "model.safetensors" if start else sight, round_trips[0]),
        (eyes, layers),
    )
    model.to("cpu", torch.float16).save_pretrained(out)
    reads.save_pretrained(out)
