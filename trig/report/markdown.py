"""Markdown with escaping of untrusted text."""

from collections.abc import Iterator, Sequence


def code(text: str) -> str:
    """Inline code. All but letters, digits, spaces and hyphens become character references: no markup, link, mention or line break."""
    return f"<code>{''.join(sign if sign.isalnum() or sign in ' -' else _numbered(sign) for sign in text)}</code>"


def prose(text: str) -> str:
    """Plain text, escaped. From the second character on, digits and some punctuation are kept: the first could start a list."""
    plain = (sign.isalpha() or (index and (sign.isalnum() or sign in " ,;:()")) for index, sign in enumerate(text))
    return "".join(sign if as_it_is else _numbered(sign) for sign, as_it_is in zip(text, plain, strict=True))


def table(heads: Sequence[str], rows: Sequence[Sequence[str]], names: int = 1) -> Iterator[str]:
    """Markdown table: `names` left-aligned columns, the others right-aligned. Cells must be escaped already."""
    yield f"| {' | '.join(heads)} |"
    yield f"|{' --- |' * names}{' ---: |' * (len(heads) - names)}"
    yield from (f"| {' | '.join(row)} |" for row in rows)


def _numbered(sign: str) -> str:
    return f"&#{ord(sign)};"
