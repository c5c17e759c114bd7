"""How long a prompt is."""

from re import findall


def tokens(prompt: str) -> int:
    """Words and punctuation marks of a prompt: what a tokenizer of whole words makes of it, without the end."""
    return len(findall(r"\w+|[^\w\s]", prompt))
