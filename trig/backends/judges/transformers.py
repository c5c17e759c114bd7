"""Judges loaded with transformers."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import groupby, islice
from math import prod
from typing import TypeAlias

import torch
import transformers
from PIL import Image
from safetensors import SafetensorError
from torch.nn import functional as F
from transformers import AutoModelForImageTextToText, AutoProcessor, BatchFeature

from trig.backends.checkpoint import marks, unsayable
from trig.backends.engines import JUDGES, engine
from trig.backends.weights import brief, folder, revision
from trig.errors import WeightsError
from trig.keys import content_key
from trig.pictures import UNREADABLE, decoded, size
from trig.protocols.judge import Answer, Labels, Mode, Question
from trig.protocols.refusal import Refusal

transformers.utils.logging.disable_progress_bar()

Pictures: TypeAlias = list[Image.Image]
Numbered: TypeAlias = tuple[int, Question]
"""Index and question."""
TOO_LONG = "the question has {} tokens, and the judge reads no more than {}"
TOGETHER = 4
"""Batches in memory together: the window in which images are sorted by size."""
ASKING = 4
"""Cache version: raise it when a change to prompts or the forward pass can change answers."""


class Transformers:
    """Vision-language model in this process, in float32. Satisfies `Judge`."""

    def __init__(self, name: str, weights: str, batch_size: int, engine_in_key: bool = False) -> None:
        place = folder(weights, f"params.yaml: judges.{name}.weights")
        self.engine = engine(JUDGES)
        keyed = {"engine": self.engine} if engine_in_key else {}
        self.revision = content_key(weights=revision(place), asking=ASKING, **keyed)
        self.dtype: str | None = "float32"
        self.batch_size = batch_size
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            self.processor = AutoProcessor.from_pretrained(place, local_files_only=True)
            self.model = AutoModelForImageTextToText.from_pretrained(
                place, dtype=torch.float32, local_files_only=True, use_safetensors=True
            )
        except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
            raise WeightsError(f"params.yaml: judges.{name}.weights: {weights}: transformers cannot load it: {brief(error)}") from error
        self.model.eval().to(self.device)
        self.reserved = marks(self.processor.tokenizer.added_tokens_decoder.values())
        self.context: int = getattr(self.model.config.get_text_config(), "max_position_embeddings", None) or sys.maxsize
        self.processor.tokenizer.model_max_length = sys.maxsize  # the built-in length check only logs
        if self._text(Question(b"", "", "")).rstrip().endswith("<think>"):
            raise WeightsError(
                f"params.yaml: judges.{name}.weights: {weights}: its answers begin with thinking; choose a judge that can do without"
            )

    def encode(self, text: str) -> list[int]:
        """Token ids without special tokens."""
        return list(self.processor.tokenizer(text, add_special_tokens=False).input_ids)

    def ask(self, questions: Iterable[Question], labels: Labels) -> Iterator[tuple[int, Answer | Refusal]]:
        """Yields answers as they complete; prefetches one batch. An undecodable image refuses its own question only."""
        batches = map(self._see, _batches(questions, self.batch_size))
        with ThreadPoolExecutor(1) as beside:
            ahead = beside.submit(next, batches, None)
            while seen := ahead.result():
                ahead = beside.submit(next, batches, None)
                yield from seen.refused.items()
                if seen.prepared:
                    yield from zip(seen.places, self._answers(seen.prepared, labels), strict=True)

    def _see(self, batch: Sequence[Numbered]) -> "Seen":
        refused = {place: refusal for place, question in batch if (refusal := unsayable(question.text, self.reserved))}
        good: list[tuple[int, Question, Pictures]] = []
        for files, group in groupby((each for each in batch if each[0] not in refused), key=lambda each: each[1].images):
            match _decode(files):
                case Refusal() as refusal:
                    refused |= {place: refusal for place, _ in group}
                case decoded:
                    good += [(place, question, decoded) for place, question in group]
        prepared = self._prepare(good)
        if prepared and max(prepared.tokens) > self.context:
            long = {place: tokens for (place, *_), tokens in zip(good, prepared.tokens, strict=True) if tokens > self.context}
            refused |= {place: Refusal(TOO_LONG.format(tokens, self.context), final=True) for place, tokens in long.items()}
            good = [each for each in good if each[0] not in long]
            prepared = self._prepare(good)
        return Seen([place for place, *_ in good], prepared, refused)

    def _prepare(self, good: Sequence[tuple[int, Question, Pictures]]) -> "Prepared | None":
        return self.prepare([question for _, question, _ in good], [pictures for *_, pictures in good]) if good else None

    @torch.inference_mode()
    def _answers(self, prepared: "Prepared", labels: Labels) -> list[Answer | Refusal]:
        assert labels.ids is not None
        logprobs = self.logprobs(prepared)
        sound = (~logprobs.isnan().any(-1) & logprobs.isfinite().any(-1)).tolist()
        mode: Mode = "top" if labels.top else "exact"
        if labels.top:
            logprobs = logprobs.where(logprobs >= logprobs.topk(labels.top).values[:, -1:], -torch.inf)
        rows: list[list[float]] = torch.stack([logprobs[:, list(ids)].logsumexp(-1) for ids in labels.ids], -1).tolist()
        return [
            Answer(tuple(row), mode, tokens=tokens, picture_tokens=pictured) if good else Refusal("the judge's logits are not finite")
            for row, good, tokens, pictured in zip(rows, sound, prepared.tokens, prepared.pictured, strict=True)
        ]

    def prepare(self, questions: Sequence[Question], pictures: Sequence[Pictures]) -> "Prepared":
        """Tokenise and preprocess questions for `logprobs`."""
        places = range(len(questions))
        groups = [list(group) for _, group in groupby(places, key=lambda place: (questions[place].images, questions[place].prompt))]
        asked = [[self._ids(questions[place]) for place in group] for group in groups]
        shared = [_shared(rows) for rows in asked]
        first = self.processor(
            text=[self._text(questions[group[0]]) for group in groups],
            images=[pictures[group[0]] for group in groups],
            padding=True,
            padding_side="left",
            return_tensors="pt",
        )
        tails = [len(rows[0]) - count for rows, count in zip(asked, shared, strict=True)]
        ends = [[ids[count:] for ids in rows] for rows, count in zip(asked, shared, strict=True)]
        begun = [int(length) - tail for length, tail in zip(first["attention_mask"].sum(1), tails, strict=True)]
        pictured: list[int] = (first["input_ids"] == self.processor.image_token_id).sum(1).tolist()
        return Prepared(
            first,
            tails,
            ends,
            [length + len(end) for length, rows in zip(begun, ends, strict=True) for end in rows],
            [count for count, rows in zip(pictured, ends, strict=True) for _ in rows],
        )

    def logprobs(self, prepared: "Prepared") -> torch.Tensor:
        """Log-probabilities (B, vocabulary) in nats of the first answer token. Adjacent questions with the same images and prompt share a KV cache."""
        first = dict(prepared.first.to(self.device))
        pad = self.processor.tokenizer.pad_token_id
        tokens = {name: first.pop(name) for name in ("input_ids", "attention_mask", "mm_token_type_ids") if name in first}
        begun = {name: _cut(value, prepared.tails, pad if name == "input_ids" else 0) for name, value in tokens.items()}
        if not hasattr(self.model.model, "rope_deltas"):  # models with M-RoPE compute positions; others would count the padding
            first["position_ids"] = (begun["attention_mask"].cumsum(1) - 1).clamp(min=0)
        cache = self.model(**begun, **first, use_cache=True, logits_to_keep=1).past_key_values
        rows = torch.tensor([number for number, ends in enumerate(prepared.ends) for _ in ends], device=self.device)
        cache.batch_select_indices(rows)
        ends = [end for many in prepared.ends for end in many]
        if any(self.processor.image_token_id in end for end in ends):
            raise WeightsError(
                "judge: its chat template puts the picture behind the words, so questions share no beginning; choose another judge"
            )
        length = max(map(len, ends))
        mask = torch.tensor([[0] * (length - len(end)) + [1] * len(end) for end in ends], device=self.device)
        ids = torch.tensor([[end[0]] * (length - len(end)) + end for end in ends], device=self.device)
        mask = torch.cat((begun["attention_mask"][rows], mask), 1)
        positions = mask.cumsum(1)[:, -length:] - 1
        shift = getattr(self.model.model, "rope_deltas", None)
        if shift is not None:  # M-RoPE: an image spans fewer positions than tokens, on three axes (time, row, column)
            positions = (positions + shift[rows]).expand(3, -1, -1)
        logits: torch.Tensor = self.model(
            input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, logits_to_keep=1
        ).logits
        return logits[:, -1].float().log_softmax(-1)

    def _text(self, question: Question) -> str:
        chat = [{"role": "user", "content": [*[{"type": "image"}] * len(question.images), {"type": "text", "text": question.text}]}]
        calm = {"enable_thinking": False} if "enable_thinking" in str(self.processor.chat_template) else {}
        text: str = self.processor.apply_chat_template(chat, add_generation_prompt=True, tokenize=False, **calm)
        return text

    def _ids(self, question: Question) -> list[int]:
        return list(self.processor.tokenizer(self._text(question)).input_ids)


@dataclass(frozen=True, slots=True)
class Prepared:
    """Model inputs: the first question of each shared-prefix group, and the suffix of every question."""

    first: BatchFeature  # left-padded
    tails: list[int]  # per group: suffix length of its first question, in tokens
    ends: list[list[list[int]]]  # per group: suffix token ids of each question
    tokens: list[int]  # per question: token count, images included
    pictured: list[int]  # per question: image tokens


@dataclass(frozen=True, slots=True)
class Seen:
    """A batch: answerable questions, in order, and refusals."""

    places: list[int]
    prepared: Prepared | None  # None if all are refused
    refused: dict[int, Refusal]


def _batches(questions: Iterable[Question], size: int) -> Iterator[list[Numbered]]:
    """Batches of at most `size` (index, question) pairs; shared-prefix groups stay together.

    Within a window, groups are sorted by image size to reduce padding; the sort is stable, so a resumed run forms the same batches.
    """
    numbered = enumerate(questions)
    while some := list(islice(numbered, TOGETHER * size)):
        groups = [list(group) for _, group in groupby(some, key=lambda each: (each[1].images, each[1].prompt))]
        groups.sort(key=lambda group: _pixels(group[0][1].images))
        batch: list[Numbered] = []
        for piece in (group[start : start + size] for group in groups for start in range(0, len(group), size)):
            if len(batch) + len(piece) > size:
                yield batch
                batch = []
            batch += piece
        yield batch


def _pixels(files: Sequence[bytes]) -> int:
    """Total pixel count; 0 if a size cannot be read."""
    try:
        return sum(prod(size(file)) for file in files)
    except UNREADABLE:
        return 0


def _shared(rows: Sequence[Sequence[int]]) -> int:
    """Length of the longest common prefix that leaves each row at least one token."""
    longest = min(map(len, rows)) - 1
    return next((place for place in range(longest) if len({row[place] for row in rows}) > 1), longest)


def _cut(rows: torch.Tensor, tails: Sequence[int], padding: int) -> torch.Tensor:
    """Left-padded rows (B, L) without the last `tails` tokens of each, left-padded again."""
    least = min(tails)
    return torch.stack([F.pad(row[: len(row) - tail], (tail - least, 0), value=padding) for row, tail in zip(rows, tails, strict=True)])


def _decode(files: Sequence[bytes]) -> Pictures | Refusal:
    pictures: Pictures = []
    for picture in map(decoded, files):
        if isinstance(picture, Refusal):
            return picture
        pictures.append(picture)
    return pictures
