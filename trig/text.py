"""How long a text is, and whether it shows anything."""

from re import findall


def tokens(prompt: str) -> int:
    """Words and punctuation marks of a prompt: what a tokenizer of whole words makes of it, without the end."""
    return len(findall(r"\w+|[^\w\s]", prompt))


def blank(text: str) -> bool:
    """Whether a text shows nothing: it is empty, or all blanks, marks and letters without a width."""
    return not any(letter.isprintable() and not letter.isspace() for letter in text)
