"""Questions as tokens: the processor and chat template of a vision-language model."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeAlias

import torch
from PIL import Image
from transformers import BatchFeature

from trig.protocols.judge import Question

Pictures: TypeAlias = list[Image.Image]


@dataclass(frozen=True, slots=True)
class Counted:
    """Token counts of prepared questions."""

    tokens: list[int]  # per question: token count, images included
    pictured: list[int]  # per question: image tokens


@dataclass(frozen=True, slots=True)
class Shared(Counted):
    """Model inputs of a batch with shared prefixes: the first question of each group, and the suffix of every question."""

    first: BatchFeature  # left-padded
    tails: list[int]  # per group: suffix length of its first question, in tokens
    ends: list[list[list[int]]]  # per group: suffix token ids of each question


@dataclass(frozen=True, slots=True)
class Alone(Counted):
    """Model inputs of each question by itself, unpadded."""

    inputs: list[BatchFeature]


class Chat:
    """A processor with its chat template. `image_token`: the id that stands for a part of a picture."""

    def __init__(self, processor: Any, image_token: int) -> None:
        self.processor, self.image_token = processor, image_token
        self.calm = {"enable_thinking": False} if "enable_thinking" in str(processor.chat_template) else {}
        self.begun: str = self.text(Question(b"", "", ""))
        mark = processor.tokenizer.bos_token
        self.marked = bool(mark) and self.begun.startswith(mark)
        """Whether the template writes BOS itself; the tokenizer must not add a second one."""
        self.special = {"add_special_tokens": False} if self.marked else {}

    def turns(self, question: Question, pictures: Sequence[Image.Image] = ()) -> list[dict[str, Any]]:
        """The conversation, with placeholders for pictures where none are given."""
        shown = [{"type": "image", "image": each} for each in pictures] or [{"type": "image"}] * len(question.images)
        return [{"role": "user", "content": [*shown, {"type": "text", "text": question.text}]}]

    def text(self, question: Question) -> str:
        """The rendered conversation, up to where the answer begins."""
        text: str = self.processor.apply_chat_template(self.turns(question), add_generation_prompt=True, tokenize=False, **self.calm)
        return text

    def whole(self, question: Question, pictures: Sequence[Image.Image]) -> BatchFeature:
        """Model inputs as the processor makes them of a conversation by itself: the reference for `alone` and `shared`."""
        found: BatchFeature = self.processor.apply_chat_template(
            [self.turns(question, pictures)],
            add_generation_prompt=True,
            tokenize=True,
            return_dict=True,
            return_tensors="pt",
            **self.calm,
        )
        return found

    def alone(self, questions: Sequence[Question], pictures: Sequence[Pictures]) -> Alone:
        """Tokenise and preprocess each question by itself."""
        inputs = [
            self.processor(text=[self.text(question)], images=[shown], return_tensors="pt", **self.special)
            for question, shown in zip(questions, pictures, strict=True)
        ]
        ids = [each["input_ids"] for each in inputs]
        return Alone([each.shape[1] for each in ids], [int((each == self.image_token).sum()) for each in ids], inputs)

    def shared(self, questions: Sequence[Question], pictures: Sequence[Pictures]) -> Shared:
        """Tokenise and preprocess a batch in which adjacent questions with the same images and prompt share their beginning."""
        places = range(len(questions))
        groups = [list(group) for _, group in groupby(places, key=lambda index: (questions[index].images, questions[index].prompt))]
        asked = [[self._ids(questions[index]) for index in group] for group in groups]
        common = [_common(rows) for rows in asked]
        first = self.processor(
            text=[self.text(questions[group[0]]) for group in groups],
            images=[pictures[group[0]] for group in groups],
            padding=True,
            padding_side="left",
            return_tensors="pt",
            **self.special,
        )
        tails = [len(rows[0]) - count for rows, count in zip(asked, common, strict=True)]
        ends = [[ids[count:] for ids in rows] for rows, count in zip(asked, common, strict=True)]
        begun = [int(length) - tail for length, tail in zip(first["attention_mask"].sum(1), tails, strict=True)]
        pictured: list[int] = (first["input_ids"] == self.image_token).sum(1).tolist()
        return Shared(
            [length + len(end) for length, rows in zip(begun, ends, strict=True) for end in rows],
            [count for count, rows in zip(pictured, ends, strict=True) for _ in rows],
            first,
            tails,
            ends,
        )

    def _ids(self, question: Question) -> list[int]:
        return list(self.processor.tokenizer(self.text(question), **self.special).input_ids)


def _common(rows: Sequence[Sequence[int]]) -> int:
    """Length of the longest common prefix that leaves each row at least one token."""
    longest = min(map(len, rows)) - 1
    return next((index for index in range(longest) if len({row[index] for row in rows}) > 1), longest)


def image_token(config: Any, processor: Any) -> int:
    """Id of the token that stands for a part of a picture, -1 where neither the model nor its processor names one."""
    named = (
        getattr(config, "image_token_id", None),
        getattr(config, "image_token_index", None),
        getattr(processor, "image_token_id", None),
    )
    return next((int(each) for each in named if each is not None), -1)


def padded(prepared: Shared) -> int:
    """Longest row of the batch in tokens, padding included."""
    length: int = prepared.first["input_ids"].shape[1]
    return length - min(prepared.tails) + max(len(end) for ends in prepared.ends for end in ends)


def cut(rows: torch.Tensor, tails: Sequence[int], padding: int) -> torch.Tensor:
    """Left-padded rows (B, L) without the last `tails` tokens of each, left-padded again."""
    least = min(tails)
    pieces = zip(rows, tails, strict=True)
    return torch.stack([torch.nn.functional.pad(row[: len(row) - tail], (tail - least, 0), value=padding) for row, tail in pieces])
