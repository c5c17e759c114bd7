"""Judges that transformers loads."""

from collections.abc import Iterator, Sequence
from io import BytesIO

import torch
import transformers
from PIL import Image, UnidentifiedImageError
from transformers import AutoModelForImageTextToText, AutoProcessor

from trig.backends.weights import folder, revision
from trig.errors import WeightsError
from trig.protocols import Answer, Labels, Question, Refusal

transformers.utils.logging.disable_progress_bar()


class Transformers:
    """A vision-language model in this process, in single precision on a CPU. Satisfies `Judge`."""

    def __init__(self, name: str, weights: str, batch_size: int) -> None:
        place = folder(weights, f"params.yaml: judges.{name}.weights")
        self.revision = revision(place)
        self.batch_size = batch_size
        self.device = "cuda" if torch.cuda.is_available() else "cpu"
        try:
            self.processor = AutoProcessor.from_pretrained(place, local_files_only=True)
            self.model = AutoModelForImageTextToText.from_pretrained(
                place, dtype=torch.float32, local_files_only=True, use_safetensors=True
            )
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise WeightsError(
                f"params.yaml: judges.{name}.weights: {weights}: transformers cannot load it: {str(error).splitlines()[0]}"
            ) from error
        self.model.eval().to(self.device)

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, without special tokens."""
        return list(self.processor.tokenizer(text, add_special_tokens=False).input_ids)

    def ask(self, questions: Sequence[Question], labels: Labels) -> Iterator[Answer | Refusal]:
        """Answers in order; a picture that cannot be decoded is refused and does not disturb its batch."""
        for start in range(0, len(questions), self.batch_size):
            part = questions[start : start + self.batch_size]
            pictures = [_decode(question.image) for question in part]
            seen = [(question, picture) for question, picture in zip(part, pictures, strict=True) if isinstance(picture, Image.Image)]
            answers = iter(self._answers(seen, labels))
            for picture in pictures:
                yield picture if isinstance(picture, Refusal) else next(answers)

    @torch.inference_mode()
    def _answers(self, seen: Sequence[tuple[Question, Image.Image]], labels: Labels) -> list[Answer | Refusal]:
        if not seen:
            return []
        logprobs = self.logprobs([question for question, _ in seen], [picture for _, picture in seen])
        folded = torch.stack([logprobs[:, list(ids)].logsumexp(-1) for ids in labels], -1)
        rows: list[list[float]] = folded.tolist()
        finite = folded.isfinite().any(-1).tolist()
        return [
            Answer(tuple(row)) if good else Refusal("the judge's logits are not finite") for row, good in zip(rows, finite, strict=True)
        ]

    def logprobs(self, questions: Sequence[Question], pictures: Sequence[Image.Image]) -> torch.Tensor:
        """Log-probabilities (B, vocabulary) in nats of the first answer token."""
        chats = [[{"role": "user", "content": [{"type": "image"}, {"type": "text", "text": question.text}]}] for question in questions]
        texts = [self.processor.apply_chat_template(chat, add_generation_prompt=True, tokenize=False) for chat in chats]
        inputs = self.processor(
            text=texts, images=[[picture] for picture in pictures], padding=True, padding_side="left", return_tensors="pt"
        )
        logits: torch.Tensor = self.model(**inputs.to(self.device), logits_to_keep=1).logits
        return logits[:, -1].float().log_softmax(-1)


def _decode(png: bytes) -> Image.Image | Refusal:
    try:
        return Image.open(BytesIO(png)).convert("RGB")
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError) as error:
        return Refusal(f"the picture cannot be decoded ({type(error).__name__})")
