"""Questions about pictures packed for training: a picture and its prompt stand once, and every question sees them and itself only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from trig.dimensions import Dimension
from trig.protocols import Question
from trig.tiny.cases import Case
from trig.tiny.render import cells
from trig.tiny.scene import Scene
from trig.tiny.train.processor import COMPARE, DESCRIBE, TOKENS, describe
from trig.tiny.truth import remarks, truth

ROUND_TO = 32
"""Packed questions are filled up to a multiple of so many tokens, so that few shapes have to be compiled."""


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
    remark_rows: Tensor  # (R,) likewise of the remarks
    remarks: Tensor  # (R,)
    words: Tensor  # (B, 16, 2) the words for what is in each part of the picture: a thing and its colour, or the place and the style

    def to(self, device: torch.device) -> Self:
        """The same on a device."""
        return type(self)(*(getattr(self, field.name).to(device) for field in fields(self)))


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
        self.describe, self.compare = cut(DESCRIBE + turn), cut(COMPARE + turn)
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

    def _words(self, scene: Scene) -> list[list[int]]:
        """The words for what is in each part of the picture, a picture token each."""

        def ids(*words: str) -> list[int]:
            return [self.cut(f" {word}")[0] for word in words]

        said = [ids(scene.place, scene.style), *(ids(t.kind if t.colour else t.role, t.colour or t.kind) for t in scene.things)]
        return [said[number] for number in cells(scene, int(TOKENS**0.5)).flatten()]

    def pack(self, cases: Sequence[Case], asked: Sequence[Sequence[Dimension]], remarked: bool = True) -> Packed:
        """Lays out each case's beginning, its description, the remarks on it, and the questions asked of it."""
        rows = []
        for case, dimensions in zip(cases, asked, strict=True):
            head = self.start + self.cut(Question(b"", case.request.text, "").context)
            words = [*self.cut(describe(case.scene)), self.end]
            told = [*self.cut(f" {remarks(case.request, case.scene)}"), self.end] if remarked else []
            branches = [self.describe + words[:-1], *([self.compare + told[:-1]] if told else []), *(self.rubrics[d] for d in dimensions)]
            rows.append((head, branches, words, told, truth(case.request, case.scene), dimensions))
        length = max(len(head) + sum(map(len, branches)) for head, branches, *_ in rows)
        length += -length % ROUND_TO
        ids = np.full((len(rows), length), self.end)
        places = np.zeros((3, len(rows), length), np.int64)
        segments = np.full((len(rows), length), -1)
        grade_rows, grades, text_rows, text, remark_rows, remark = [], [], [], [], [], []
        for row, (head, branches, words, told, rating, dimensions) in enumerate(rows):
            ids[row, : len(head)], segments[row, : len(head)] = head, 0
            places[:, row, : len(head)] = self._places(len(head))
            begin = places[:, row, : len(head)].max() + 1
            stops = list(accumulate(map(len, branches), initial=len(head)))
            for number, (branch, at, stop) in enumerate(zip(branches, stops, stops[1:], strict=False), 1):
                ids[row, at:stop], segments[row, at:stop] = branch, number
                places[:, row, at:stop] = begin + np.arange(len(branch))
            text_rows += [row * length + at for at in range(stops[1] - len(words), stops[1])]
            text += words
            remark_rows += [row * length + at for at in range(stops[2] - len(told), stops[2])]
            remark += told
            grade_rows += [row * length + stop - 1 for stop in stops[len(stops) - len(dimensions) :]]
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
            torch.tensor(remark_rows),
            torch.tensor(remark),
            torch.tensor([self._words(case.scene) for case in cases]),
        )
