"""Judge training: a small Qwen2.5-VL learns to read prompts given the picture and to grade, on scenes with ground truth."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
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

from tinyworld.cases import Case, case_of, misremembered, picture, shown_case
from tinyworld.render import SIDE, draw
from tinyworld.training.loop import Course, Step, device, train
from tinyworld.training.packing import Packed, Packer
from tinyworld.training.processor import PATCH, SPECIAL, enlarge, learn, new_words, patches, processor
from trig.vocabulary.dimensions import Dimension, Task

Tower: TypeAlias = Qwen2_5_VisionTransformerPretrainedModel
WIDTH = 192
"""Hidden size of the language model."""
DEPTH = 6
"""Layers of the language model."""
SUM_BY = 2
"""Layer at which the picture is described by words between picture and prompt (auxiliary loss)."""
READ_BY = 4
"""Layer at which prompt words have been compared with the picture (auxiliary loss); the layers above weigh the result."""
ASKED = 3
"""Graded dimensions per picture and step: the case's two, and others."""
READ = {Task.T2I: 5, Task.P2P: 4, Task.S2P: 3}
"""Prompts per picture, its own included."""


def build(words: PreTrainedTokenizerFast) -> Qwen2_5_VLForConditionalGeneration:
    """Untrained judge of 4 M parameters."""
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
    """Untrained vision tower of a judge."""
    torch.manual_seed(seed)
    return build(words).model.visual


class Eyes(nn.Module):
    """Vision tower forward pass, batched over pictures of one size; its own attention loops over pictures.

    The patch convolution is a matrix product here.
    """

    def __init__(self, tower: Tower) -> None:
        super().__init__()
        self.tower = tower

    def forward(self, pixels: Tensor) -> Tensor:
        """Picture tokens (B·16, hidden) of patches (B·64, 384)."""
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
    """Forward pass of the language model's first layers on packed tokens."""

    def __init__(self, language: Qwen2_5_VLTextModel) -> None:
        super().__init__()
        self.language = language

    def forward(self, states: Tensor, positions: Tensor, mask: Tensor, stops: tuple[int, ...]) -> tuple[Tensor, ...]:
        """Hidden states (B, L, hidden) after this many layers, of embeddings with positions (3, B, L) and additive mask (B, 1, L, L)."""
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
    """Hidden states (B·L, hidden) of packed tokens after this many layers, given the picture tokens (B·16, hidden)."""
    embedded = model.get_input_embeddings()(packed.ids)
    image = (packed.ids == model.config.image_token_id)[..., None].expand_as(embedded)
    embedded = embedded.masked_scatter(image, seen.to(embedded.dtype))
    kind = embedded.device.type
    exact = torch.get_autocast_dtype(kind) if torch.is_autocast_enabled(kind) else embedded.dtype
    mask = torch.zeros_like(packed.mask, dtype=exact).masked_fill(~packed.mask, torch.finfo(exact).min)
    return [after.flatten(0, 1) for after in layers(embedded, packed.positions, mask, stops)]


@dataclass(frozen=True, slots=True)
class Lesson:
    """Batch of one step with its targets."""

    pixels: Tensor  # (pictures·64, 384)
    pointed: tuple[Tensor, Tensor]
    read: Packed
    summed_up: tuple[Tensor, Tensor]
    stayed: tuple[Tensor, Tensor]
    graded: Packed


@dataclass(frozen=True, slots=True)
class Syllabus:
    """Shares of a batch per task, and how often a drawing is about a dimension: weights, 1 by default."""

    tasks: Mapping[Task, float]
    weights: Mapping[Task, Mapping[Dimension, float]]

    def rows(self, batch: int) -> list[Task]:
        """Tasks of a batch's cases."""
        shares = np.array([*self.tasks.values()], float)
        stops = np.rint(np.cumsum(shares) / shares.sum() * batch).astype(int)
        return [task for task, count in zip(self.tasks, np.diff(stops, prepend=0), strict=True) for _ in range(count)]


class Lessons(Dataset[Lesson]):
    """Batch of a step. Half of the pictures are autoencoder round trips, which have seeds of their own."""

    def __init__(
        self, packer: Packer, images: Qwen2VLImageProcessor, round_trips: tuple[Path, int], course: Course, syllabus: Syllabus
    ) -> None:
        self.packer, self.images, self.seed, self.syllabus = packer, images, course.seed, syllabus
        self.rows = syllabus.rows(course.batch)
        path, self.shown_seed = round_trips
        self.shown = {Task(name): shown.numpy() for name, shown in load_file(path).items()}

    def ahead(self, start: int, stop: int) -> Iterator[Lesson]:
        """Batches of the steps, prefetched by another process."""
        return iter(DataLoader(self, None, sampler=range(start, stop), num_workers=1, multiprocessing_context="spawn", prefetch_factor=4))

    def __getitem__(self, step: int) -> Lesson:
        rng = np.random.default_rng((self.seed, step))
        cases, pictures = [], list[NDArray[np.uint8]]()
        for number, task in enumerate(self.rows):
            case, seen = self._round_trip(rng, task) if number % 2 else self._drawn(rng, task)
            cases.append(case)
            pictures += [draw(case.source), seen] if case.source else [seen]
        read = self.packer.read([[case, *(misremembered(case, rng) for _ in range(READ[case.task] - 1))] for case in cases])
        length = read.ids.shape[1]
        return Lesson(
            patches(np.stack(pictures), self.images),
            self.packer.point([scene for case in cases for scene in case.scenes]),
            read,
            self.packer.sum_up(cases, length),
            self.packer.stayed(cases, length),
            self.packer.grade(cases, [_asked(case, rng, self.syllabus.weights.get(case.task, {})) for case in cases]),
        )

    def _drawn(self, rng: np.random.Generator, task: Task) -> tuple[Case, NDArray[np.uint8]]:
        case = case_of(rng, self.syllabus.weights.get(task), task)
        return case, picture(case, rng)

    def _round_trip(self, rng: np.random.Generator, task: Task) -> tuple[Case, NDArray[np.uint8]]:
        """One of the stored pictures: of those about a dimension of little weight most are passed over."""
        weights = self.syllabus.weights.get(task, {})
        while True:
            number = int(rng.integers(0, len(self.shown[task])))
            case, _ = shown_case(self.shown_seed, number, task)
            if rng.random() * max([1.0, *weights.values()]) < max(weights.get(dimension, 1.0) for dimension in case.about):
                return case, self.shown[task][number]


def _asked(case: Case, rng: np.random.Generator, weights: Mapping[Dimension, float]) -> list[Dimension]:
    others = [dimension for dimension in Dimension if dimension not in case.about]
    p = np.array([weights.get(dimension, 1.0) for dimension in others])
    return [*case.about, *(others[number] for number in rng.choice(len(others), ASKED - 2, replace=False, p=p / p.sum()))]


def losses(
    model: Qwen2_5_VLForConditionalGeneration, eyes: Eyes, layers: Layers, lessons: Lessons, steps: int
) -> Callable[[int], dict[str, Tensor]]:
    """Loss: cross-entropy of the words for each part of the pictures and the whole, of what stayed of a source, of the labels at prompt words,
    and of the grades.

    Steps must be requested in order, from any start.
    """
    ahead: list[Iterator[Lesson]] = []
    head = model.get_output_embeddings()

    def of(step: int) -> dict[str, Tensor]:
        ahead[:] = ahead or [lessons.ahead(step, steps)]
        lesson = next(ahead[0])
        seen = eyes(lesson.pixels.to(device()))
        pairs = (lesson.pointed, lesson.summed_up, lesson.stayed)
        (at, words), (sums, summed), (stays, stayed) = ([each.to(device()) for each in pair] for pair in pairs)
        read, graded = lesson.read.to(device()), lesson.graded.to(device())
        early, compared = states(model, layers, read, seen, (SUM_BY, READ_BY))
        (last,) = states(model, layers, graded, seen)
        grades = head(last[graded.rows]).float().log_softmax(-1)[:, lessons.packer.grade_ids]
        parts = {
            "point": 0.5 * F.cross_entropy(head(seen[at]).float(), words),
            "sum": 0.5 * F.cross_entropy(head(early[sums]).float(), summed),
            "read": F.cross_entropy(head(compared[read.rows]).float(), read.targets),
            "grade": -(graded.targets * grades).sum(-1).mean(),
        }
        return parts | ({"stay": F.cross_entropy(head(compared[stays]).float(), stayed)} if len(stays) else {})

    return of


def fit(
    out: Path,
    work: Path,
    rubrics: Mapping[Task, Mapping[Dimension, str]],
    grades: Sequence[str],
    sight: Path,
    round_trips: tuple[Path, int],
    course: Course,
    syllabus: Syllabus,
    start: Path | None = None,
) -> Iterator[Step]:
    """Trains the judge and saves it with its processor, weights as float16 safetensors.

    The vision tower is pretrained: from `sight`, or the whole judge from the folder `start` (continued training), which learns the words of the
    rubrics that it does not know.
    """
    torch.manual_seed(course.seed)
    if start:
        reads = Qwen2_5_VLProcessor.from_pretrained(start)
        model = Qwen2_5_VLForConditionalGeneration.from_pretrained(start).float()
        enlarge(model, learn(reads, new_words(rubrics)))
        model = model.to(device())
    else:
        reads = processor(rubrics[Task.T2I], grades, course.seed)
        model = build(reads.tokenizer).to(device())
        model.model.visual.load_state_dict(load_file(sight))
    packer = Packer(reads.tokenizer, rubrics, grades)
    model.set_attn_implementation("eager")  # backward pass of fused attention is the bottleneck on a CPU
    eyes, layers = Eyes(model.model.visual), Layers(model.model.language_model)
    lessons = Lessons(packer, reads.image_processor, round_trips, course, syllabus)
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
