"""Prompt filter."""

from collections.abc import Sequence

from trig.text import tokens


def fits(prompt: str, sub_prompts: Sequence[str], needed: Sequence[bool], max_tokens: int) -> bool:
    """Whether the prompt is within the token limit and contains the required phrases."""
    said = all(phrase in prompt and (phrase or not must) for phrase, must in zip(sub_prompts, needed, strict=True))
    return said and 0 < tokens(prompt) <= max_tokens
