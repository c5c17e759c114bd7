"""Judges loaded with transformers."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from itertools import chain, groupby, islice
from math import prod
from pathlib import Path
from typing import Any, TypeAlias

import torch
import transformers
from transformers import AutoConfig, AutoModelForImageTextToText, AutoProcessor

from trig.backends.checkpoint import marks, unsayable
from trig.backends.engines import JUDGES, engine
from trig.backends.judges.chat import Alone, Chat, Pictures, Shared, image_token, padded
from trig.backends.judges.forward import Forward
from trig.backends.judges.proof import Proof, proven
from trig.backends.unloadable import AS_IT_IS, UNLOADABLE, typed
from trig.backends.weights import brief, identity, located
from trig.errors import WeightsError
from trig.keys import content_key
from trig.pictures import UNREADABLE, decoded, size
from trig.protocols.judge import Answer, Labels, Mode, Question
from trig.protocols.refusal import Refusal

transformers.utils.logging.disable_progress_bar()

Numbered: TypeAlias = tuple[int, Question]
"""Index and question."""
TOO_LONG = "the question has {} tokens, and the judge reads no more than {}"
TOGETHER = 4
"""Batches in memory together: the window in which images are sorted by size."""
ASKING = 4
"""Cache version: raise it when a change to prompts or the forward pass can change answers."""
SLIDING = {"sliding_attention", "chunked_attention"}
"""Kinds of layers that see a part of the prompt only, as configurations name them."""


class Transformers:
    """Vision-language model in this process. Satisfies `Judge`. Weights are loaded, and the judge proven, when it is first asked.

    `device_map`: auto, a device, or None for the GPU where there is one.
    """

    def __init__(
        self, name: str, weights: str, batch_size: int, engine_in_key: bool = False, dtype: str = "float32", device_map: str | None = None
    ) -> None:
        self.field = f"params.yaml: judges.{name}"
        self.where = f"{self.field}.weights: {weights}"
        self.place = located(weights, f"{self.field}.weights")
        self.engine = engine(JUDGES)
        self.dtype: str | None = dtype
        self.batch_size, self.device_map = batch_size, device_map
        try:
            with typed():
                self.processor = AutoProcessor.from_pretrained(self.place, **AS_IT_IS)
            self.config = AutoConfig.from_pretrained(self.place, **AS_IT_IS)
            self.chat = Chat(self.processor, image_token(self.config, self.processor))
            self.reserved = marks(self.processor.tokenizer.added_tokens_decoder.values())
        except UNLOADABLE as error:
            raise WeightsError(f"{self.where}: transformers cannot load it: {brief(error)}") from error
        decides = {
            "engine": self.engine if engine_in_key else None,
            "dtype": dtype if dtype != "float32" else None,
            "begins": "once" if self.chat.marked else None,
        }
        asked = {name: value for name, value in decides.items() if value is not None}
        self.revision = content_key(weights=identity(weights, f"{self.field}.weights"), asking=ASKING, **asked)
        text = self.config.get_text_config()
        self.context: int = getattr(text, "max_position_embeddings", None) or sys.maxsize
        self.window = _window(text)
        self.processor.tokenizer.model_max_length = sys.maxsize  # the built-in length check only logs
        if self.chat.begun.rstrip().endswith("<think>"):
            raise WeightsError(f"{self.where}: its answers begin with thinking; choose a judge that can do without")

    @cached_property
    def forward(self) -> Forward:
        """The loaded model. Raises WeightsError."""
        return Forward(_loaded(self.place, self.dtype or "float32", self.device_map, self.config, self.where), self.chat)

    @cached_property
    def proofs(self) -> dict[int, Proof]:
        """How questions with one picture, and with a source picture too, are asked. Raises WeightsError when none can be."""
        with torch.inference_mode():
            found = {pictures: proven(self.forward, pictures) for pictures in (1, 2)}
        kind = type(self.forward.model).__name__
        if found[1].way is None:
            raise WeightsError(f"{self.where}: {kind} cannot be asked: {found[1].why}; choose another judge")
        if found[1].way == "alone":
            print(f"{self.field}: {kind} is asked one question at a time, which takes longer: {found[1].why}", file=sys.stderr)
        return found

    def encode(self, text: str) -> list[int]:
        """Token ids without special tokens."""
        return list(self.processor.tokenizer(text, add_special_tokens=False).input_ids)

    def ask(self, questions: Iterable[Question], labels: Labels) -> Iterator[tuple[int, Answer | Refusal]]:
        """Yields answers as they complete; prefetches one batch. An undecodable image refuses its own question only."""
        grouped = _batches(questions, self.batch_size)
        if (earliest := next(grouped, None)) is None:
            return
        proofs = self.proofs  # before the other thread reads on
        batches = (self._see(batch, proofs) for batch in chain([earliest], grouped))
        with ThreadPoolExecutor(1) as beside:
            ahead = beside.submit(next, batches, None)
            while seen := ahead.result():
                ahead = beside.submit(next, batches, None)
                yield from seen.refused.items()
                if seen.prepared:
                    yield from zip(seen.places, self._answers(seen.prepared, labels), strict=True)

    def _see(self, batch: Sequence[Numbered], proofs: dict[int, Proof]) -> "Seen":
        refused = {index: refusal for index, question in batch if (refusal := self._unaskable(question, proofs))}
        good: list[tuple[int, Question, Pictures]] = []
        for files, group in groupby((each for each in batch if each[0] not in refused), key=lambda each: each[1].images):
            match _decode(files):
                case Refusal() as refusal:
                    refused |= {index: refusal for index, _ in group}
                case decoded:
                    good += [(index, question, decoded) for index, question in group]
        prepared = self._prepare(good, proofs)
        if prepared and max(prepared.tokens) > self.context:
            long = {index: tokens for (index, *_), tokens in zip(good, prepared.tokens, strict=True) if tokens > self.context}
            refused |= {index: Refusal(TOO_LONG.format(tokens, self.context), final=True) for index, tokens in long.items()}
            good = [each for each in good if each[0] not in long]
            prepared = self._prepare(good, proofs)
        return Seen([index for index, *_ in good], prepared, refused)

    def _unaskable(self, question: Question, proofs: dict[int, Proof]) -> Refusal | None:
        proof = proofs[len(question.images)]
        if proof.way is None:
            return Refusal(f"the judge cannot be asked about {len(question.images)} pictures: {proof.why}")
        return unsayable(question.text, self.reserved)

    def _prepare(self, good: Sequence[tuple[int, Question, Pictures]], proofs: dict[int, Proof]) -> "Shared | Alone | None":
        """Padding between prefix and suffix would shift a sliding window, so a batch shares only where every row fits into it."""
        if not good:
            return None
        questions, pictures = [question for _, question, _ in good], [shown for *_, shown in good]
        if all(proofs[len(question.images)].way == "shared" for question in questions):
            prepared = self.chat.shared(questions, pictures)
            if padded(prepared) <= self.window:
                return prepared
        return self.chat.alone(questions, pictures)

    @torch.inference_mode()
    def _answers(self, prepared: "Shared | Alone", labels: Labels) -> list[Answer | Refusal]:
        assert labels.ids is not None
        logprobs = self.forward.logprobs(prepared)
        sound = (~logprobs.isnan().any(-1) & logprobs.isfinite().any(-1)).tolist()
        mode: Mode = "top" if labels.top else "exact"
        if labels.top:
            logprobs = logprobs.where(logprobs >= logprobs.topk(labels.top).values[:, -1:], -torch.inf)
        rows: list[list[float]] = torch.stack([logprobs[:, list(ids)].logsumexp(-1) for ids in labels.ids], -1).tolist()
        return [
            Answer(tuple(row), mode, tokens=tokens, picture_tokens=pictured) if good else Refusal("the judge's logits are not finite")
            for row, good, tokens, pictured in zip(rows, sound, prepared.tokens, prepared.pictured, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Seen:
    """A batch: answerable questions, in order, and refusals."""

    places: list[int]
    prepared: Shared | Alone | None  # None if all are refused
    refused: dict[int, Refusal]


def _loaded(place: Path, dtype: str, device_map: str | None, config: Any, where: str) -> Any:
    """The model, ready to be asked. Weights that are quantised say so in their configuration, and cannot be moved once loaded."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    mapped = device_map or (device if getattr(config, "quantization_config", None) else None)
    placed = {"device_map": mapped} if mapped else {}
    try:
        model = AutoModelForImageTextToText.from_pretrained(place, dtype=getattr(torch, dtype), use_safetensors=True, **AS_IT_IS, **placed)
        return model.eval() if mapped else model.eval().to(device)
    except UNLOADABLE as error:
        raise WeightsError(f"{where}: transformers cannot load it: {brief(error)}") from error


def _window(text: Any) -> int:
    """Tokens that every layer sees together."""
    kinds = getattr(text, "layer_types", None)
    slides = SLIDING & set(kinds) if kinds else getattr(text, "use_sliding_window", True)
    sizes = [getattr(text, name, None) for name in ("sliding_window", "attention_chunk_size")] if slides else []
    return min((size for size in sizes if size), default=sys.maxsize)


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


def _decode(files: Sequence[bytes]) -> Pictures | Refusal:
    pictures: Pictures = []
    for picture in map(decoded, files):
        if isinstance(picture, Refusal):
            return picture
        pictures.append(picture)
    return pictures
