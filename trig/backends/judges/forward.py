"""Forward passes of a vision-language model: shared prefixes in a batch, and each question by itself."""

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image

from trig.backends.judges.chat import Alone, Chat, Shared, cut
from trig.protocols.judge import Question

_NONE = object()


class Forward:
    """A model with its chat template. Every method returns log-probabilities (B, vocabulary) in nats of the first answer token."""

    def __init__(self, model: Any, chat: Chat) -> None:
        self.model, self.chat = model, chat
        self.keep = {"logits_to_keep": 1} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}

    def logprobs(self, prepared: Shared | Alone) -> torch.Tensor:
        """Of prepared questions, in order."""
        return self.shared(prepared) if isinstance(prepared, Shared) else self.alone(prepared)

    def whole(self, question: Question, pictures: Sequence[Image.Image]) -> torch.Tensor:
        """One pass of the whole prompt, as transformers documents it: the reference."""
        return _last(self.model(**self._moved(self.chat.whole(question, pictures))))

    def alone(self, prepared: Alone) -> torch.Tensor:
        """One pass a question, without a cache."""
        return torch.cat([_last(self.model(**self._moved(inputs), **self.keep, use_cache=False)) for inputs in prepared.inputs])

    def shared(self, prepared: Shared) -> torch.Tensor:
        """Adjacent questions with the same images and prompt share a KV cache."""
        first = self._moved(prepared.first)
        if "cross_attention_mask" in first:
            raise ValueError("its pictures are not in the prompt, and a suffix would not see them")
        shape, pad = first["input_ids"].shape, self.chat.processor.tokenizer.pad_token_id
        per_token = [
            name for name, value in first.items() if torch.is_tensor(value) and value.shape == shape and not value.is_floating_point()
        ]
        tokens = {name: first.pop(name) for name in per_token}
        begun = {name: cut(value, prepared.tails, pad if name == "input_ids" else 0) for name, value in tokens.items()}
        body = self.model.model
        if getattr(body, "rope_deltas", _NONE) is _NONE:  # models with M-RoPE compute positions; others would count the padding
            first["position_ids"] = (begun["attention_mask"].cumsum(1) - 1).clamp(min=0)
        cache = self.model(**begun, **first, **self.keep, use_cache=True).past_key_values
        device = begun["input_ids"].device
        rows = torch.tensor([number for number, ends in enumerate(prepared.ends) for _ in ends], device=device)
        for layer in cache.layers:  # of a model on several devices each layer has its own
            layer.batch_select_indices(rows.to(layer.keys.device))
        ends = [end for many in prepared.ends for end in many]
        if any(self.chat.image_token in end for end in ends):
            raise ValueError("the chat template puts the picture behind the words, so questions share no beginning")
        length = max(map(len, ends))
        mask = torch.tensor([[0] * (length - len(end)) + [1] * len(end) for end in ends], device=device)
        ids = torch.tensor([[end[0]] * (length - len(end)) + end for end in ends], device=device)
        mask = torch.cat((begun["attention_mask"][rows], mask), 1)
        positions = mask.cumsum(1)[:, -length:] - 1
        shift = getattr(body, "rope_deltas", None)
        if shift is not None:  # M-RoPE: an image spans fewer positions than tokens, on three axes (time, row, column)
            positions = (positions + shift[rows]).expand(3, -1, -1)
        return _last(self.model(input_ids=ids, attention_mask=mask, position_ids=positions, past_key_values=cache, **self.keep))

    def _moved(self, inputs: Any) -> dict[str, Any]:
        """Inputs on the model's device, pixels in its numbers, without the targets that some processors add for training."""
        return {name: value for name, value in inputs.to(self.model.device, self.model.dtype).items() if name != "labels"}


def _last(out: Any) -> torch.Tensor:
    logits: torch.Tensor = out.logits
    return logits[:, -1].float().log_softmax(-1)
