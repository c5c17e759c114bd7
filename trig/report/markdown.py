"""Markdown in which nothing that others wrote is markup."""

from collections.abc import Iterator, Sequence


def code(text: str) -> str:
    """Any text as inline code of Markdown: every sign but letters, digits, blanks and hyphens is written as a number, so that none is markup, a
    link, a mention or the end of a line."""
    return f"<code>{''.join(sign if sign.isalnum() or sign in ' -' else _numbered(sign) for sign in text)}</code>"


def prose(text: str) -> str:
    """Any text as plain prose. Letters stand as they are, and after the first sign, which could begin a list, so do digits and some punctuation."""
    plain = (sign.isalpha() or (place and (sign.isalnum() or sign in " ,;:()")) for place, sign in enumerate(text))
    return "".join(sign if as_it_is else _numbered(sign) for sign, as_it_is in zip(text, plain, strict=True))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], names: int = 1) -> Iterator[str]:
    """The lines of a table whose first columns are names and the others numbers. The cells are Markdown already."""
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * names}{' ---: |' * (len(heads) - names)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _numbered(sign: str) -> str:
    return f"&#{ord(sign)};"
