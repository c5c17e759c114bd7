"""Judges that transformers loads."""

from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import groupby
from typing import TypeAlias

import torch
import transformers
from PIL import Image, UnidentifiedImageError
from safetensors import SafetensorError
from torch.nn import functional as F
from transformers import AutoModelForImageTextToText, AutoProcessor

from trig.backends.weights import brief, folder, revision
from trig.errors import WeightsError
from trig.keys import content_key
from trig.protocols import Answer, Labels, Question, Refusal

transformers.utils.logging.disable_progress_bar()

Pictures: TypeAlias = list[Image.Image]
FORMATS = ("PNG", "JPEG", "WEBP")
"""What a picture's file may be: Pillow's other decoders are not worth their risk."""
ASKING = 1
"""Counts up when this module begins to ask in a way that changes answers, so that no stored answer to the old way is taken for a new one."""


class Transformers:
    """A vision-language model in this process, in single precision on a CPU. Satisfies `Judge`."""

    def __init__(self, name: str, weights: str, batch_size: int) -> None:
        place = folder(weights, f"params.yaml: judges.{name}.weights")
        self.revision = content_key(weights=revision(place), asking=ASKING)
        self.engine = f"transformers {transformers.__version__}"
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
        if self._text(Question(b"", "", "")).rstrip().endswith("<think>"):
            raise WeightsError(
                f"params.yaml: judges.{name}.weights: {weights}: its answers begin with thinking; choose a judge that can do without"
            )

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, without special tokens."""
        return list(self.processor.tokenizer(text, add_special_tokens=False).input_ids)

    def ask(self, questions: Sequence[Question], labels: Labels) -> Iterator[tuple[int, Answer | Refusal]]:
        """Answers in order; a question with a picture that cannot be decoded is refused and does not disturb its batch."""
        for start in range(0, len(questions), self.batch_size):
            part = questions[start : start + self.batch_size]
            pictures = [_decode(question.images) for question in part]
            seen = [(question, shown) for question, shown in zip(part, pictures, strict=True) if not isinstance(shown, Refusal)]
            answers = iter(self._answers(seen, labels))
            for place, shown in enumerate(pictures, start):
                yield place, shown if isinstance(shown, Refusal) else next(answers)

    @torch.inference_mode()
    def _answers(self, seen: Sequence[tuple[Question, Pictures]], labels: Labels) -> list[Answer | Refusal]:
        if not seen:
            return []
        assert labels.ids is not None
        logprobs = self.logprobs([question for question, _ in seen], [shown for _, shown in seen])
        folded = torch.stack([logprobs[:, list(ids)].logsumexp(-1) for ids in labels.ids], -1)
        rows: list[list[float]] = folded.tolist()
        finite = folded.isfinite().any(-1).tolist()
        return [
            Answer(tuple(row)) if good else Refusal("the judge's logits are not finite") for row, good in zip(rows, finite, strict=True)
        ]

    def logprobs(self, questions: Sequence[Question], pictures: Sequence[Pictures]) -> torch.Tensor:
        """Log-probabilities (B, vocabulary) in nats of the first answer token.

        Neighbours that ask about the same pictures and prompt share a beginning: it is computed once, and each question goes on from its
        keys and values.
        """
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
        ).to(self.device)
        tails = [len(rows[0]) - count for rows, count in zip(asked, shared, strict=True)]
        pad = self.processor.tokenizer.pad_token_id
        tokens = {name: first.pop(name) for name in ("input_ids", "attention_mask", "mm_token_type_ids") if name in first}
        begun = {name: _cut(value, tails, pad if name == "input_ids" else 0) for name, value in tokens.items()}
        cache = self.model(**begun, **first, use_cache=True, logits_to_keep=1).past_key_values
        rows = torch.tensor([number for number, group in enumerate(groups) for _ in group], device=self.device)
        cache.batch_select_indices(rows)
        ends = [ids[count:] for many, count in zip(asked, shared, strict=True) for ids in many]
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
        if shift is not None:  # a picture takes fewer positions than tokens, and positions have three axes: time, row and column
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


def _shared(rows: Sequence[Sequence[int]]) -> int:
    """How many tokens all rows begin with, leaving each at least one of its own."""
    longest = min(map(len, rows)) - 1
    return next((place for place in range(longest) if len({row[place] for row in rows}) > 1), longest)


def _cut(rows: torch.Tensor, tails: Sequence[int], padding: int) -> torch.Tensor:
    """Left-padded rows (B, L) without the last tokens of each, as many as `tails` says; again left-padded."""
    least = min(tails)
    return torch.stack([F.pad(row[: len(row) - tail], (tail - least, 0), value=padding) for row, tail in zip(rows, tails, strict=True)])


def _decode(files: Sequence[bytes]) -> Pictures | Refusal:
    try:
        return [Image.open(BytesIO(file), formats=FORMATS).convert("RGB") for file in files]
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError) as error:
        return Refusal(f"the picture cannot be decoded ({type(error).__name__})", final=True)
