"""How much of a prompt a pipeline reads."""

import inspect
from dataclasses import dataclass
from typing import Any

from trig.backends.families.calls import Calls

NO_LIMIT = 10**9
"""Tokenizers without a limit tell one beyond this."""


@dataclass(frozen=True, slots=True)
class Reader:
    """The tokenizer that decides how much is read, and its limit in tokens; None: no limit."""

    tokenizer: Any
    most: int | None

    def count(self, prompt: str) -> int:
        """Prompt length in tokens, special tokens included."""
        return len(self.tokenizer(prompt, verbose=False).input_ids)

    def read(self, prompt: str) -> tuple[int, int]:
        """Prompt length, and length after truncation."""
        tokens = self.count(prompt)
        return tokens, tokens if self.most is None else min(tokens, self.most)


def reader(pipe: Any, calls: Calls, asked: Any) -> Reader | None:
    """`asked`: the sequence length that the entry asks for, if any."""
    found = next((each for name in calls.tokenizers if (each := getattr(pipe, name, None)) is not None), None)
    tokenizer = getattr(found, "tokenizer", found)  # a processor has one
    if tokenizer is None:
        return None
    length = inspect.signature(pipe.__call__).parameters.get("max_sequence_length")
    limits = [getattr(tokenizer, "model_max_length", None), getattr(pipe, "tokenizer_max_length", None)]
    limits += [asked or length.default] if length else []
    return Reader(tokenizer, min((limit for limit in limits if isinstance(limit, int) and limit < NO_LIMIT), default=None))
