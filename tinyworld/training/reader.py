"""Text encoders of the painter, and their pretraining.

Without pretraining the transformer takes many times as long to bind colours to things.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F
from transformers import CLIPTextConfig, CLIPTextModel, T5Config, T5EncoderModel

from tinyworld.language import Request, some_request
from tinyworld.scene import COLOURS, KINDS, PLACES, RELATIONS, ROLES, STYLES
from tinyworld.training.loop import Course, Step, device, train
from tinyworld.words import MAX_TOKENS, tokenizer, vocabulary
from trig.vocabulary.dimensions import Dimension

WIDTH = 128
POOLED = 64


def t5() -> T5EncoderModel:
    """Untrained T5 encoder of 0.5 M parameters."""
    return T5EncoderModel(
        T5Config(
            vocab_size=len(vocabulary()),
            d_model=WIDTH,
            d_kv=32,
            num_heads=4,
            d_ff=256,
            num_layers=3,
            dropout_rate=0.0,
            pad_token_id=0,
            eos_token_id=2,
            feed_forward_proj="gated-gelu",
        )
    )


def clip() -> CLIPTextModel:
    """Untrained CLIP text model of 0.1 M parameters; its state at `</s>` is the pooled prompt embedding."""
    return CLIPTextModel(
        CLIPTextConfig(
            vocab_size=len(vocabulary()), hidden_size=POOLED, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2,
            max_position_embeddings=MAX_TOKENS + 2, pad_token_id=0, bos_token_id=1, eos_token_id=2, projection_dim=POOLED,
        )
    )  # fmt: skip


WORDS = tokenizer(begin=False)
PROMPTS = tokenizer(begin=True)
FIELDS = {"kind": KINDS, "colour": COLOURS, "role": ROLES, "stands": (*RELATIONS, "second"), "style": STYLES, "place": PLACES}
"""Fields to predict from a thing's last word, with their classes; 0 is unspecified."""


def ids(prompts: list[str]) -> Tensor:
    """Token ids for T5, (B, MAX_TOKENS)."""
    return torch.tensor(WORDS(prompts, padding="max_length", max_length=MAX_TOKENS, truncation=True).input_ids)


def clip_ids(prompts: list[str]) -> Tensor:
    """Token ids for CLIP, (B, MAX_TOKENS + 2)."""
    return torch.tensor(PROMPTS(prompts, padding="max_length", max_length=MAX_TOKENS + 2, truncation=True).input_ids)


def _answers(request: Request) -> list[tuple[int, list[int]]]:
    """Per thing the index of its last word in the prompt, and the class of each field."""
    found, start = [], len(Request((), style=request.style).text.split())
    relation_words = len(Request((request.wants[0], request.wants[-1]), request.relation).text.split()) - sum(
        len(want.phrase.split()) for want in (request.wants[0], request.wants[-1])
    )
    for index, want in enumerate(request.wants):
        last = start + len(want.phrase.split()) - 1
        stands = request.relation if index == 0 else "second"
        said = {
            "kind": want.kinds[0],
            "colour": want.colour,
            "role": want.role,
            "stands": stands,
            "style": request.style,
            "place": request.place,
        }
        found.append((last, [FIELDS[name].index(value) + 1 if value else 0 for name, value in said.items()]))
        start = last + 1 + relation_words
    return found


class Reader(nn.Module):
    """T5 with a linear classifier per field."""

    def __init__(self) -> None:
        super().__init__()
        self.t5 = t5()
        self.fields = nn.ModuleDict({name: nn.Linear(WIDTH, len(options) + 1) for name, options in FIELDS.items()})


def losses(model: Reader, batch: int, seed: int) -> Callable[[int], dict[str, Tensor]]:
    """Cross-entropy of each field at each thing's last word."""
    dimensions = tuple(Dimension)

    def of(step: int) -> dict[str, Tensor]:
        rng = np.random.default_rng((seed, step))
        requests = [some_request(rng, tuple(rng.choice(dimensions, 2, replace=False))) for _ in range(batch)]
        states = model.t5(ids([request.text for request in requests]).to(device())).last_hidden_state
        rows = [(row, last, answers) for row, request in enumerate(requests) for last, answers in _answers(request)]
        read = states[[row for row, _, _ in rows], [last for _, last, _ in rows]]
        truth = torch.tensor([answers for _, _, answers in rows], device=read.device)
        return {name: F.cross_entropy(model.fields[name](read), truth[:, column]) for column, name in enumerate(FIELDS)}

    return of


def fit(out: Path, work: Path, course: Course) -> Iterator[Step]:
    """Pretrains T5 and saves it."""
    torch.manual_seed(course.seed)
    model = Reader().to(device())
    yield from train(model, course, losses(model, course.batch, course.seed), work / "reader.safetensors")
    model.t5.save_pretrained(out)
