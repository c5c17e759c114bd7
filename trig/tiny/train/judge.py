"""The judge: a small Qwen2.5-VL taught to describe a picture and to grade it, from scenes whose truth is known."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from torch import Tensor
from torch.nn import functional as F
from transformers import (
    PreTrainedTokenizerFast,
    Qwen2_5_VLConfig,
    Qwen2_5_VLForConditionalGeneration,
    Qwen2_5_VLProcessor,
    Qwen2VLImageProcessor,
    Qwen2VLVideoProcessor,
)
from transformers.models.qwen2_5_vl.modeling_qwen2_5_vl import Qwen2_5_VisionTransformerPretrainedModel

from trig.dimensions import Dimension
from trig.protocols import Question
from trig.tiny.cases import Case, case_of, picture, shown_case
from trig.tiny.render import SIDE
from trig.tiny.scene import Scene
from trig.tiny.train.loop import Course, Plan, Step, device, train
from trig.tiny.truth import truth

Tower: TypeAlias = Qwen2_5_VisionTransformerPretrainedModel
SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|vision_pad|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
TEMPLATE = (
    "{% for message in messages %}<|im_start|>{{ message.role }}\n"
    "{% if message.content is string %}{{ message.content }}{% else %}{% for part in message.content %}"
    "{% if part.type == 'image' or part.type == 'image_url' or 'image' in part %}<|vision_start|><|image_pad|><|vision_end|>"
    "{% elif 'text' in part %}{{ part.text }}{% endif %}{% endfor %}{% endif %}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPLIT = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
"""Qwen2.5's own way of cutting text into words."""
PATCH = 8
TOKENS = (SIDE // PATCH // 2) ** 2
"""A picture's tokens."""
DESCRIBE = "Describe the picture."
WIDTH = 192
"""Of the language model."""
ASKED = 3
"""Dimensions graded per picture and step."""


def describe(scene: Scene) -> str:
    """The scene in words, things from left to right and from top to bottom."""

    things = sorted(scene.things, key=lambda thing: (round(thing.x, 1), thing.y))
    words = [" ".join(filter(None, (t.colour, t.kind, t.role, t.skin, t.hair))) for t in things]
    places = [f"{'high' if t.y < 0.45 else 'low'} {'left' if t.x < 0.4 else 'right' if t.x > 0.6 else 'middle'}" for t in things]
    wear = "worn" if scene.wear > 0.5 else "scratched" if scene.wear > 0.15 else "clean"
    return f"{scene.style}, {scene.place}, {wear}, " + ", ".join(f"{word} {place}" for word, place in zip(words, places, strict=True))


def tokenizer(texts: Iterator[str]) -> PreTrainedTokenizerFast:
    """A byte-level BPE like Qwen2.5's, with its special tokens, learned from the tiny world's texts."""
    bpe = Tokenizer(models.BPE(byte_fallback=False))
    split = pre_tokenizers.Split(Regex(SPLIT), behavior="isolated")
    bpe.pre_tokenizer = pre_tokenizers.Sequence([split, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=1536, special_tokens=list(SPECIAL), initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False
    )
    bpe.train_from_iterator(texts, trainer)
    named = dict(zip(("vision_bos_token", "vision_eos_token", "image_token", "video_token"), (*SPECIAL[3:5], *SPECIAL[6:]), strict=True))
    return PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        pad_token="<|endoftext|>",
        eos_token="<|im_end|>",
        chat_template=TEMPLATE,
        model_max_length=2048,
        extra_special_tokens=named,
    )


def processor(rubrics: Mapping[Dimension, str], grades: Sequence[str], seed: int) -> Qwen2_5_VLProcessor:
    """Tokenizer and picture processor as transformers saves and loads them."""

    def texts() -> Iterator[str]:
        rng = np.random.default_rng((seed, 1))
        for _ in range(20_000):
            case = case_of(rng)
            yield Question(b"", case.request.text, "").text
            yield f"{describe(case.scene)}\n"
        yield from (*rubrics.values(), DESCRIBE, "user\n", "assistant\n", *grades) * 500

    size = {"shortest_edge": SIDE * SIDE, "longest_edge": SIDE * SIDE}
    args = {"patch_size": PATCH, "merge_size": 2, "temporal_patch_size": 2, "image_mean": [0.5] * 3, "image_std": [0.5] * 3, "size": size}
    words = tokenizer(texts())
    return Qwen2_5_VLProcessor(Qwen2VLImageProcessor(**args), words, Qwen2VLVideoProcessor(**args), chat_template=TEMPLATE)


def build(words: PreTrainedTokenizerFast) -> Qwen2_5_VLForConditionalGeneration:
    """An untrained judge of 3 M parameters."""
    token = {
        name: words.convert_tokens_to_ids(text)
        for name, text in zip("end start stop begin finish pad image video".split(), SPECIAL, strict=True)
    }
    vision = {
        "depth": 5, "hidden_size": 160, "intermediate_size": 320, "num_heads": 5, "patch_size": PATCH, "spatial_merge_size": 2,
        "temporal_patch_size": 2, "window_size": SIDE, "out_hidden_size": WIDTH, "fullatt_block_indexes": [0, 1, 2, 3, 4],
    }  # fmt: skip
    text = {
        "vocab_size": len(words), "hidden_size": WIDTH, "intermediate_size": 384, "num_hidden_layers": 4, "num_attention_heads": 6, "num_key_value_heads": 2,
        "max_position_embeddings": 2048, "rope_parameters": {"rope_type": "default", "rope_theta": 10000.0, "mrope_section": [4, 6, 6]},
        "bos_token_id": token["end"], "eos_token_id": token["stop"], "pad_token_id": token["end"], "tie_word_embeddings": True,
    }  # fmt: skip
    config = Qwen2_5_VLConfig(
        text_config=text, vision_config=vision, image_token_id=token["image"], video_token_id=token["video"],
        vision_start_token_id=token["begin"], vision_end_token_id=token["finish"], tie_word_embeddings=True,
    )  # fmt: skip
    return Qwen2_5_VLForConditionalGeneration(config)


@dataclass(frozen=True, slots=True)
class Packed:
    """Questions about pictures, laid out so that a picture and its prompt stand once and every question sees them and itself only."""

    ids: Tensor  # (B, L)
    positions: Tensor  # (3, B, L): time, row, column
    mask: Tensor  # (B, 1, L, L), True where a token may look
    grade_rows: Tensor  # (G,) flat places in B·L whose next token is a grade
    grades: Tensor  # (G, n_grades) the probabilities that next token should have
    text_rows: Tensor  # (T,) flat places whose next token is a word of the description
    text: Tensor  # (T,) that word's id


class Packer:
    """Turns cases into packed tokens."""

    def __init__(self, words: PreTrainedTokenizerFast, rubrics: Mapping[Dimension, str], grades: Sequence[str]) -> None:
        def cut(text: str) -> list[int]:
            return list(words(text, add_special_tokens=False).input_ids)

        self.cut = cut
        self.end = words.convert_tokens_to_ids("<|endoftext|>")
        self.start = cut("<|im_start|>user\n<|vision_start|>" + "<|image_pad|>" * TOKENS + "<|vision_end|>")
        self.image_at = self.start.index(cut("<|image_pad|>")[0])
        turn = "<|im_end|>\n<|im_start|>assistant\n"
        self.rubrics = {dimension: cut(text + turn) for dimension, text in rubrics.items()}
        self.describe = cut(DESCRIBE + turn)
        self.grade_ids = [cut(grade)[0] for grade in grades]
        self.count = len(grades)

    def _places(self, length: int) -> NDArray[np.int64]:
        """Positions (3, length) of a beginning: text counts up, the picture's tokens share a time and spread over rows and columns."""
        side = int(TOKENS**0.5)
        rows, columns = np.divmod(np.arange(TOKENS), side)
        before = np.tile(np.arange(self.image_at), (3, 1))
        image = self.image_at + np.stack((np.zeros(TOKENS, int), rows, columns))
        after = np.tile(self.image_at + side + np.arange(length - self.image_at - TOKENS), (3, 1))
        return np.concatenate((before, image, after), 1)

    def soft(self, value: float) -> list[float]:
        """The grades' probabilities whose expected score is `value` and which lie on the two nearest grades."""
        place = value * (self.count - 1)
        return [max(0.0, 1 - abs(place - grade)) for grade in range(self.count)]

    def pack(self, cases: Sequence[Case], asked: Sequence[Sequence[Dimension]]) -> Packed:
        """Lays out each case's beginning, its description, and the questions asked of it."""
        rows = []
        for case, dimensions in zip(cases, asked, strict=True):
            head = self.start + self.cut(Question(b"", case.request.text, "").context)
            words = [*self.cut(describe(case.scene)), self.end]
            rows.append(
                (
                    head,
                    [self.describe + words[:-1], *(self.rubrics[d] for d in dimensions)],
                    words,
                    truth(case.request, case.scene),
                    dimensions,
                )
            )
        length = max(len(head) + sum(map(len, branches)) for head, branches, *_ in rows)
        ids = np.full((len(rows), length), self.end)
        places = np.zeros((3, len(rows), length), np.int64)
        segments = np.full((len(rows), length), -1)
        grade_rows, grades, text_rows, text = [], [], [], []
        for row, (head, branches, words, rating, dimensions) in enumerate(rows):
            ids[row, : len(head)], segments[row, : len(head)] = head, 0
            places[:, row, : len(head)] = self._places(len(head))
            begin = places[:, row, : len(head)].max() + 1
            stops = list(accumulate(map(len, branches), initial=len(head)))
            for number, (branch, at, stop) in enumerate(zip(branches, stops, stops[1:], strict=False), 1):
                ids[row, at:stop], segments[row, at:stop] = branch, number
                places[:, row, at:stop] = begin + np.arange(len(branch))
            text_rows += [row * length + at for at in range(stops[1] - len(words), stops[1])]
            text += words
            grade_rows += [row * length + stop - 1 for stop in stops[2:]]
            grades += [self.soft(rating[dimension]) for dimension in dimensions]
        seen = (segments[:, None] == segments[:, :, None]) | (segments[:, None] == 0)
        mask = torch.from_numpy(seen[:, None] & np.tril(np.ones((length, length), bool)))
        return Packed(
            torch.from_numpy(ids),
            torch.from_numpy(places),
            mask,
            torch.tensor(grade_rows),
            torch.tensor(grades),
            torch.tensor(text_rows),
            torch.tensor(text),
        )


def tower(words: PreTrainedTokenizerFast, seed: int) -> Tower:
    """The vision tower of a judge that has learnt nothing yet."""
    torch.manual_seed(seed)
    return build(words).model.visual


def see(tower: Tower, pixels: Tensor, count: int) -> Tensor:
    """The picture tokens (count·16, hidden) of pictures given as patches (count·64, 384)."""
    side = SIDE // PATCH
    grid = torch.tensor([[1, side, side]], device=pixels.device).expand(count, 3)
    seen: Tensor = tower(pixels, grid_thw=grid).pooler_output
    return seen


def forward(model: Qwen2_5_VLForConditionalGeneration, packed: Packed, pixels: Tensor) -> Tensor:
    """The last hidden states, (B·L, hidden), of packed questions about pictures given as patches (B·64, 384)."""
    seen = see(model.model.visual, pixels, len(packed.ids))
    embedded = model.get_input_embeddings()(packed.ids)
    image = (packed.ids == model.config.image_token_id)[..., None].expand_as(embedded)
    embedded = embedded.masked_scatter(image, seen)
    out = model.model.language_model(
        inputs_embeds=embedded, position_ids=packed.positions, attention_mask={"full_attention": packed.mask}, use_cache=False
    )
    states: Tensor = out.last_hidden_state
    return states.flatten(0, 1)


def patches(pictures: NDArray[np.uint8], images: Qwen2VLImageProcessor) -> Tensor:
    """Pictures (B, 64, 64, 3) as the vision tower's patches (B·64, 384)."""
    scaled = torch.from_numpy(pictures).permute(0, 3, 1, 2).float().div(127.5).sub(1)
    flat: Tensor = images.patchify(scaled, PATCH, 2, 2)[0]
    return flat.flatten(0, 1)


def losses(
    model: Qwen2_5_VLForConditionalGeneration,
    packer: Packer,
    images: Qwen2VLImageProcessor,
    round_trips: Path,
    batch: int,
    seed: int,
) -> Callable[[int], dict[str, Tensor]]:
    """Cross-entropy of the grades and of the description. Half of each batch are round trips through the autoencoder."""
    shown = load_file(round_trips)["pictures"].numpy()
    dimensions = tuple(Dimension)

    def of(step: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((seed, step))
        cases = [case_of(rng) for _ in range(batch)]
        drawn = [picture(case, rng) for case in cases]
        for place, number in enumerate(rng.integers(0, len(shown), batch // 2)):
            cases[place], drawn[place] = shown_case(seed, int(number))[0], shown[number]
        asked = [(*case.about, *(d for d in rng.permutation(dimensions) if d not in case.about)) for case in cases]
        packed = packer.pack(cases, [[Dimension(d) for d in row[:ASKED]] for row in asked])
        states = forward(model, packed, patches(np.stack(drawn), images))
        head = model.get_output_embeddings()
        graded = F.log_softmax(head(states[packed.grade_rows]), -1)[:, packer.grade_ids]
        return {
            "grade": -(packed.grades * graded).sum(-1).mean(),
            "describe": 0.5 * F.cross_entropy(head(states[packed.text_rows]), packed.text),
        }

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
    plan = Plan(course.steps, course.learning_rate, warmup=200)
    yield from train(
        model, plan, losses(model, packer, reads.image_processor, round_trips, course.batch, course.seed), work / "judge.safetensors"
    )
    model.to("cpu", torch.float16).save_pretrained(out)
    reads.save_pretrained(out)
