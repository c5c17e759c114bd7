"""Training of the second eye: a small CLIPModel that matches pictures with prompts, and reads the attributes of both with linear heads.

It never sees the judge or its grades.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPConfig, CLIPImageProcessor, CLIPModel, CLIPProcessor, CLIPTextModel, CLIPVisionModel, PreTrainedTokenizerFast

from tinyworld.cases import Case, case_of, picture
from tinyworld.eye import LEVELS, PICTURE, TEXT, asked, seen, targets, worth
from tinyworld.language import recall
from tinyworld.render import SIDE
from tinyworld.scene import COLOURS
from tinyworld.training.loop import Course, Step, device, train
from tinyworld.training.pool import CELLS, NAMES, cell_labels, round_trips
from tinyworld.training.vae import to_tensor
from tinyworld.words import tokenizer, vocabulary
from trig.backends.heads.card import HEADS, WEIGHTS
from trig.vocabulary.dimensions import Task

WIDTH, LAYERS, PATCH, SHARED = 128, 4, 8, 64
MOST = 32
"""Maximum prompt length in words, punctuation marks and both ends."""
SHARES = {Task.T2I: 0.6, Task.P2P: 0.25, Task.S2P: 0.15}
GRANTED = 2
"""Prompts per picture that it fulfils, beside the one that it was drawn for."""
OWN_EVERY = 4
"""Of so many pictures of a batch, the prompt of one that it was drawn for is read too."""
END = len(vocabulary()) - 2
"""Token that ends a prompt, and fills the rest."""
CHUNK = 256
TYPES = {"ids": torch.long, "asked": torch.float32, "seen": torch.float32, "cells": torch.long}
NAMED = (len(NAMES) + 1, len(COLOURS) + 1)
"""Classes of each cell: kinds, colours."""
INNER = CELLS // (SIDE // PATCH)
"""Cells along a side of a patch."""


def words() -> PreTrainedTokenizerFast:
    """Tokenizer with the end of the text last, where CLIP looks for it, and as padding."""
    begin, end = "<s>", "</s>"
    known = (*(word for word in vocabulary() if word not in ("<pad>", begin, end)), begin, end)
    found = tokenizer(True, known, MOST)
    found.pad_token = end
    return found


def ids(prompts: list[str]) -> Tensor:
    """Token ids, (B, MOST)."""
    return torch.tensor(words()(prompts, padding="max_length", max_length=MOST, truncation=True).input_ids)


def build() -> CLIPModel:
    """Untrained eye of 1.5 M parameters."""
    known = words()
    tower = {"hidden_size": WIDTH, "intermediate_size": 4 * WIDTH, "num_attention_heads": 4}
    text = tower | {
        "num_hidden_layers": 3, "vocab_size": len(known), "max_position_embeddings": MOST,
        "bos_token_id": known.bos_token_id, "eos_token_id": known.eos_token_id, "pad_token_id": known.pad_token_id,
    }  # fmt: skip
    vision = tower | {"num_hidden_layers": LAYERS, "image_size": SIDE, "patch_size": PATCH}
    return CLIPModel(CLIPConfig(text_config=text, vision_config=vision, projection_dim=SHARED))


class Eye(nn.Module):
    """The model with its heads: attributes of picture and prompt from the pooled states, and kind and colour of each cell, while it learns."""

    def __init__(self) -> None:
        super().__init__()
        self.clip = build()
        self.picture = nn.Linear(WIDTH, sum(map(len, PICTURE.values())))
        self.text = nn.Linear(WIDTH, sum(map(len, TEXT.values())))
        self.cells = nn.Linear(WIDTH, INNER * INNER * sum(NAMED))


def lessons(vae: AutoencoderKL, out: Path, drawn: int, shown: int, seed: int) -> Iterator[int]:
    """Writes so many drawings and round trips with their attributes, cells and prompts; yields the number of pictures done."""
    parts: dict[str, list[Tensor]] = {}
    for start in range(0, drawn + shown, CHUNK):
        rng = np.random.default_rng((seed, start))
        cases = [case_of(rng, task=Task(str(rng.choice([*SHARES], p=[*SHARES.values()])))) for _ in range(CHUNK)]
        pictures = [picture(case, rng) for case in cases]
        flat = torch.from_numpy(np.stack(pictures))
        if start >= drawn:
            flat = round_trips(vae, list(zip(cases, pictures, strict=True)), seed + start)
        for name, values in (_answers(cases, rng) | {"pictures": flat}).items():
            parts.setdefault(name, []).append(values)
        yield min(start + CHUNK, drawn + shown)
    out.parent.mkdir(parents=True, exist_ok=True)
    save_file({name: torch.cat(tensors).contiguous() for name, tensors in parts.items()}, out)


def _answers(cases: list[Case], rng: np.random.Generator) -> dict[str, Tensor]:
    """Prompts (N, GRANTED + 1, MOST), the last of which the picture need not fulfil, their attributes, and those of the pictures."""
    requests = [[*(recall(rng, case.scene, 0.0) for _ in range(GRANTED)), case.request] for case in cases]

    def half(rows: list[NDArray[np.float32]]) -> Tensor:
        return torch.from_numpy(np.stack(rows)).half()

    return {
        "ids": ids([request.text for row in requests for request in row]).byte().unflatten(0, (len(cases), -1)),
        "asked": half([targets(asked(request), TEXT) for row in requests for request in row]).unflatten(0, (len(cases), -1)),
        "seen": half([targets(seen(case.scene), PICTURE) for case in cases]),
        "cells": torch.from_numpy(np.stack([cell_labels(case.scene) for case in cases])),
    }


class Lessons:
    """Lessons in memory; half of each batch are round trips, the last `shown` of the file."""

    def __init__(self, path: Path, shown: int) -> None:
        self.tensors = load_file(path)
        self.drawn, self.shown = len(self.tensors["pictures"]) - shown, shown

    def batch(self, rng: np.random.Generator, size: int) -> dict[str, Tensor]:
        """Pictures (B, 3, H, W) in [-1, 1], and their answers."""
        rows = np.concatenate([rng.integers(0, self.drawn, size - size // 2), self.drawn + rng.integers(0, self.shown, size // 2)])
        found = {name: values[torch.from_numpy(rows)] for name, values in self.tensors.items()}
        pictures = to_tensor(found.pop("pictures").numpy()).to(device())
        return {"pictures": pictures} | {name: values.to(device(), TYPES[name]) for name, values in found.items()}


def losses(model: Eye, pool: Lessons, batch: int, seed: int) -> Callable[[int], dict[str, Tensor]]:
    """Losses: contrastive, on prompts that the pictures fulfil; cross-entropy of the attributes of pictures and prompts; and of the cells."""

    def of(step: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((seed, step))
        told = pool.batch(rng, batch)
        chosen = int(rng.integers(GRANTED))
        prompts, answers = (torch.cat((told[name][:, chosen], told[name][::OWN_EVERY, GRANTED])) for name in ("ids", "asked"))
        prompts = prompts[:, : int((prompts != END).sum(1).max()) + 1]  # what follows the end is not seen
        vision, text = model.clip.vision_model(told["pictures"]), model.clip.text_model(prompts)
        patches = model.clip.vision_model.post_layernorm(vision.last_hidden_state[:, 1:])
        return {
            "match": 0.5 * _contrast(model.clip, vision.pooler_output, text.pooler_output[:batch]),
            "seen": _read(model.picture(vision.pooler_output), told["seen"], PICTURE),
            "asked": _read(model.text(text.pooler_output), answers, TEXT),
            "cells": _celled(model.cells(patches), told["cells"]),
        }

    return of


def _contrast(clip: CLIPModel, pictures: Tensor, prompts: Tensor) -> Tensor:
    """InfoNCE in both directions."""
    seen, said = F.normalize(clip.visual_projection(pictures).float()), F.normalize(clip.text_projection(prompts).float())
    logits = clip.logit_scale.clamp(max=4.6).exp() * seen @ said.T
    right = torch.arange(len(logits), device=logits.device)
    return (F.cross_entropy(logits, right) + F.cross_entropy(logits.T, right)) / 2


def _read(logits: Tensor, truth: Tensor, of: Mapping[str, tuple[str, ...]]) -> Tensor:
    """Mean cross-entropy of the attributes, times a third of their number."""
    sizes = [len(classes) for classes in of.values()]
    logs = torch.cat([part.log_softmax(-1) for part in logits.float().split(sizes, -1)], -1)
    return -(truth * logs).sum(-1).mean() / 3


def _celled(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy of the cells of each patch, (B, 64, 4·classes), against the cells (B, 2, 16, 16)."""
    side = SIDE // PATCH
    split = logits.float().unflatten(1, (side, side)).unflatten(-1, (INNER, INNER, -1)).permute(0, 1, 3, 2, 4, 5)
    kinds, colours = split.flatten(3, 4).reshape(len(logits), CELLS, CELLS, -1).split(NAMED, -1)
    return F.cross_entropy(kinds.flatten(0, 2), truth[:, 0].flatten()) + F.cross_entropy(colours.flatten(0, 2), truth[:, 1].flatten())


def publish(model: Eye, out: Path) -> None:
    """Writes the model with its processor, and beside it the heads: weights and what they read."""
    model = model.to("cpu", torch.float16)
    model.clip.save_pretrained(out)
    size, even = {"shortest_edge": SIDE}, [0.5] * 3
    images = CLIPImageProcessor(size=size, crop_size={"height": SIDE, "width": SIDE}, image_mean=even, image_std=even)
    CLIPProcessor(images, words()).save_pretrained(out)
    heads = {
        f"{tower}.{name}": value.contiguous() for tower in ("picture", "text") for name, value in getattr(model, tower).state_dict().items()
    }
    save_file(heads, out / WEIGHTS)
    told = {
        "about": "linear heads on the pooled states: attributes with their classes in the order of the rows, and what agreement is worth",
        "picture": {name: list(classes) for name, classes in PICTURE.items()},
        "text": {name: list(classes) for name, classes in TEXT.items()},
        "levels": LEVELS,
        "scores": worth(),
    }
    (out / HEADS).write_text(json.dumps(told) + "\n", encoding="utf-8")


def fit(out: Path, work: Path, pool: Path, shown: int, course: Course) -> Iterator[Step]:
    """Trains the eye and saves it, weights as float16 safetensors."""
    torch.manual_seed(course.seed)
    model = Eye().to(device())
    towers: list[CLIPVisionModel | CLIPTextModel] = [model.clip.vision_model, model.clip.text_model]
    yield from train(
        model, course, losses(model, Lessons(pool, shown), course.batch, course.seed), work / "eye.safetensors", (pool,), towers
    )
    publish(model, out)
