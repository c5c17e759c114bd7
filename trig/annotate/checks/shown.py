"""Whether a sub-prompt shows in a prompt, by its words."""

from collections.abc import Sequence

from trig.annotate.checks.forms import alike
from trig.text.words import words

CONTENT = 4
"""Letters from which a word is taken to carry content; a phrase of shorter words counts all of them."""


def verbatim(prompt: str, phrase: str) -> bool:
    """Whether the phrase stands in the prompt as whole words, whatever their case."""
    text, wanted = prompt.casefold(), phrase.casefold().strip()
    start = text.find(wanted)
    while start >= 0:
        end = start + len(wanted)
        if not (_joined(text, start) or _joined(text, end)):
            return True
        start = text.find(wanted, start + 1)
    return False


def overlapping(found: Sequence[str], phrase: str) -> bool:
    """Whether each content word of the phrase stands among the words, in any regular form. False tells nothing: it may be said otherwise."""
    wanted = words(phrase)
    content = [word for word in wanted if len(word) >= CONTENT] or wanted
    return all(any(alike(word, said) for said in found) for word in content)


def _joined(text: str, index: int) -> bool:
    """Whether a word goes on at this place."""
    return 0 < index < len(text) and text[index - 1].isalnum() and text[index].isalnum()
