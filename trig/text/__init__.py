"""Length of a text, and blank check."""

from re import findall


def tokens(prompt: str) -> int:
    """Word-level token count: words and punctuation marks, without an end token."""
    return len(findall(r"\w+|[^\w\s]", prompt))


def blank(text: str) -> bool:
    """Whether a text shows nothing: empty, or only whitespace, control and zero-width characters."""
    return not any(letter.isprintable() and not letter.isspace() for letter in text)
