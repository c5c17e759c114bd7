"""Packed sequences for judge training: a shared prefix once, and branches that attend to the prefix and themselves only."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import accumulate
from typing import Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import PreTrainedTokenizerFast

from tinyworld.cases import Case
from tinyworld.edited import stayed
from tinyworld.render import cells
from tinyworld.scene import Scene
from tinyworld.training.processor import TOKENS, said
from trig.protocols.judge import Question
from trig.vocabulary.dimensions import Dimension, Task

ROUND_TO = 16
"""Packed sequences are padded to a multiple of this, to limit the number of compiled shapes."""


@dataclass(frozen=True, slots=True)
class Packed:
    """Prefixes and branches, with targets at some tokens."""

    ids: Tensor  # (B, L)
    positions: Tensor  # (3, B, L): time, row, column
    mask: Tensor  # (B, 1, L, L), True where a token may attend
    rows: Tensor  # (N,) flat indices into B·L
    targets: Tensor  # (N,) or (N, n_grades): target token id, or target probabilities of the grades

    def to(self, device: torch.device) -> Self:
        """Moves the tensors to a device."""
        return type(self)(*(getattr(self, field.name).to(device) for field in fields(self)))


def parts(scene: Scene) -> list[int]:
    """Dominant thing of each picture token: its index in the scene from 1, or 0 where none covers a fifth. Every thing has a token."""
    side, fine = int(TOKENS**0.5), 4
    shares = cells(scene, side * fine).reshape(side, fine, side, fine).swapaxes(1, 2).reshape(TOKENS, fine * fine)
    counts = np.stack([(shares == number).sum(1) for number in range(len(scene.things) + 1)])
    counts[0] = np.where(counts[1:].max(0) * 5 >= shares.shape[1], 0, counts[0])
    found: list[int] = counts.argmax(0).tolist()
    for number, thing in enumerate(scene.things, 1):
        if number not in found:
            found[min(side - 1, int(thing.y * side)) * side + min(side - 1, int(thing.x * side))] = number
    return found


class Packer:
    """Packs cases into token sequences."""

    def __init__(self, words: PreTrainedTokenizerFast, rubrics: Mapping[Task, Mapping[Dimension, str]], grades: Sequence[str]) -> None:
        self.words = words
        self.end = words.convert_tokens_to_ids("<|endoftext|>")
        seen = "<|vision_start|>" + "<|image_pad|>" * TOKENS + "<|vision_end|>"
        self.starts = {count: self._cut("<|im_start|>user\n" + seen * count + "Prompt:") for count in (1, 2)}
        self.image = self._id("<|image_pad|>")
        ends = "<|im_end|>\n<|im_start|>assistant\n"
        self.rubrics = {task: {d: self._cut(f"{text}{ends}") for d, text in texts.items()} for task, texts in rubrics.items()}
        self.grade_ids = [self._id(grade) for grade in grades]
        self.notes = {note: self._id(f" {note}") for note in ("right", "not", "colour", "fresh")}

    def _cut(self, text: str) -> list[int]:
        return list(self.words(text, add_special_tokens=False).input_ids)

    def _id(self, word: str) -> int:
        (token,) = self._cut(word)
        return token

    def _places(self, head: Sequence[int]) -> NDArray[np.int64]:
        """Positions (3, length) of a prefix: text counts up; a picture's tokens share a time and vary in row and column (M-RoPE)."""
        side = int(TOKENS**0.5)
        grid = np.stack((np.zeros(TOKENS, int), *np.divmod(np.arange(TOKENS), side)))
        found, at, token = [], 0, 0
        while token < len(head):
            pictured = head[token] == self.image
            found.append(at + grid if pictured else np.full((3, 1), at))
            at, token = (at + side, token + TOKENS) if pictured else (at + 1, token + 1)
        return np.concatenate(found, 1)

    def soft(self, value: float) -> list[float]:
        """Grade probabilities with expected score `value`, on the two nearest grades."""
        place = value * (len(self.grade_ids) - 1)
        return [max(0.0, 1 - abs(place - grade)) for grade in range(len(self.grade_ids))]

    def point(self, scenes: Sequence[Scene]) -> tuple[Tensor, Tensor]:
        """Target words of picture parts, where there are any: flat indices into B·16, (N,), and token ids, (N,)."""
        at, ids = [], []
        for row, scene in enumerate(scenes):
            words = [[self._id(f" {word}") for word in of] for of in said(scene)]
            for token, number in enumerate(parts(scene)):
                found = words[number]
                at += [row * TOKENS + token] * len(found)
                ids += found
        return torch.tensor(at), torch.tensor(ids)

    def sum_up(self, cases: Sequence[Case], length: int) -> tuple[Tensor, Tensor]:
        """Target words of each picture's first thing, second thing and whole, at the three tokens between picture and prompt; of a source
        its things, at the two between the pictures.

        Flat indices into B·`length`, (N,), and token ids, (N,).
        """
        found = []
        for row, case in enumerate(cases):
            begin = row * length + len(self._start(case))
            for scene, first in zip(reversed(case.scenes), (begin - 3, begin - 5 - TOKENS), strict=False):
                whole, *things = said(scene)
                told = [things[scene.things.index(thing)] for thing in scene.in_order[:2]]
                told += [["not"]] * (2 - len(told))
                found += list(enumerate((*told, whole) if scene is case.scene else told, first))
        return self._words(found)

    def stayed(self, cases: Sequence[Case], length: int) -> tuple[Tensor, Tensor]:
        """Target words of what became of a source's first thing, second thing and whole, at the three tokens between pictures and prompt."""
        found = []
        for row, case in enumerate(cases):
            if case.source:
                found += list(enumerate(stayed(case.source, case.scene), row * length + len(self._start(case)) - 3))
        return self._words(found)

    def _words(self, found: Sequence[tuple[int, Sequence[str]]]) -> tuple[Tensor, Tensor]:
        """Flat indices, (N,), and token ids, (N,), of words at tokens."""
        told = [(at, self._id(f" {word}")) for at, words in found for word in words]
        return torch.tensor([at for at, _ in told], dtype=torch.long), torch.tensor([word for _, word in told], dtype=torch.long)

    def grade(self, cases: Sequence[Case], asked: Sequence[Sequence[Dimension]]) -> Packed:
        """Packs each case's pictures and prompt with its questions; the target after each is the grade."""
        heads = [self._start(case) + self._rest(case.request.text) for case in cases]
        branches = [[self.rubrics[case.task][dimension] for dimension in row] for case, row in zip(cases, asked, strict=True)]
        grades = []
        for case, dimensions in zip(cases, asked, strict=True):
            rating = case.ratings
            grades += [self.soft(rating[dimension]) for dimension in dimensions]
        return self._pack(heads, branches, [[[len(branch) - 1] for branch in row] for row in branches], torch.tensor(grades))

    def _start(self, case: Case) -> list[int]:
        return self.starts[len(case.scenes)]

    def _rest(self, prompt: str) -> list[int]:
        """Text of a question's shared part after `Prompt:`."""
        first, colon, *rest = self._cut(Question(b"", prompt, "").context)
        assert [first, colon] == self.starts[1][-2:]
        return rest

    def read(self, cases: Sequence[Sequence[Case]]) -> Packed:
        """Packs the pictures of each row with the prompts of its cases, which share them; targets at their words are the cases' marks."""
        branches, at, notes = [], [], []
        for row in cases:
            read = [self._marked(case) for case in row]
            branches.append([ids for ids, _, _ in read])
            at.append([places for _, places, _ in read])
            notes += [note for *_, noted in read for note in noted]
        return self._pack([self._start(case) for case, *_ in cases], branches, at, torch.tensor(notes))

    def _marked(self, case: Case) -> tuple[list[int], list[int], list[int]]:
        """Token ids of a prompt, the tokens that end a labelled word, and the label ids."""
        prompt = case.request.text
        text = Question(b"", prompt, "").context
        cut = self.words(text, add_special_tokens=False, return_offsets_mapping=True)
        last = {stop: token for token, (_, stop) in enumerate(cut.offset_mapping)}
        words = prompt.split(" ")
        starts = accumulate((len(word) + 1 for word in words), initial=text.index(prompt))
        stops = [start + len(word.rstrip(",")) for start, word in zip(starts, words, strict=False)]
        noted = case.marks
        places = [(last[stops[word]] if word < len(stops) else last[len(text)]) - 2 for word, _ in noted]
        return self._rest(prompt), places, [self.notes[note] for _, note in noted]

    def _pack(
        self, heads: Sequence[list[int]], branches: Sequence[Sequence[list[int]]], at: Sequence[Sequence[Sequence[int]]], targets: Tensor
    ) -> Packed:
        """Lays out prefixes with their branches; `at` gives the target tokens of each branch."""
        length = max(len(head) + sum(map(len, row)) for head, row in zip(heads, branches, strict=True))
        length += -length % ROUND_TO
        ids = np.full((len(heads), length), self.end)
        places = np.zeros((3, len(heads), length), np.int64)
        segments = np.full((len(heads), length), -1)
        rows = []
        for row, (head, own, found) in enumerate(zip(heads, branches, at, strict=True)):
            ids[row, : len(head)], segments[row, : len(head)] = head, 0
            places[:, row, : len(head)] = self._places(head)
            begin = places[:, row, : len(head)].max() + 1
            start = len(head)
            for number, (branch, tokens) in enumerate(zip(own, found, strict=True), 1):
                stop = start + len(branch)
                ids[row, start:stop], segments[row, start:stop] = branch, number
                places[:, row, start:stop] = begin + np.arange(len(branch))
                rows += [row * length + start + token for token in tokens]
                start = stop
        seen = (segments[:, None] == segments[:, :, None]) | (segments[:, None] == 0)
        mask = torch.from_numpy(seen[:, None] & np.tril(np.ones((length, length), bool)))
        return Packed(torch.from_numpy(ids), torch.from_numpy(places), mask, torch.tensor(rows), targets)
