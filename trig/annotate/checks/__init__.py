"""Lexical checks of a draft: what can be told from its words, without a language model."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from trig.annotate.checks import private, readable
from trig.annotate.checks.language import Language
from trig.annotate.checks.lexicon import Lexicon
from trig.annotate.checks.shown import overlapping, verbatim
from trig.annotate.draft import Draft
from trig.params.annotate import Annotate
from trig.text import blank, tokens
from trig.text.words import words
from trig.vocabulary.dimensions import Dimension

TEMPLATE = "template"
"""The annotator of prompts that are combined from the material."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What the checks found, in their order, up to the first that failed."""

    verdicts: Mapping[str, bool | None]  # check → passed; None: not made, or only a language model can tell
    failed: str | None = None  # the check that failed
    reason: str = ""  # why it failed; holds untrusted text

    @property
    def passed(self) -> bool:
        """Whether no check failed."""
        return self.failed is None

    def then(self, more: "Looked") -> "Looked":
        """What was found so far, and what further checks found."""
        return Looked({**self.verdicts, **more.verdicts}, more.failed, more.reason)


@dataclass(frozen=True, slots=True)
class Found:
    """Result of one check."""

    passed: bool | None
    reason: str = ""


class Checks:
    """The lexical checks of `trig.tables.rejected.CHECKS`, for a material's language and words."""

    def __init__(
        self, settings: Annotate, language: str, betraying: Sequence[str], unsafe: Sequence[str], known: Collection[str] = ()
    ) -> None:
        self._max_tokens = settings.max_tokens
        self._betraying, self._unsafe = Lexicon(betraying), Lexicon(unsafe)
        self._known = frozenset(word for entry in known for word in words(entry))
        self._language = Language(language, self._known)

    def look(self, draft: Draft) -> Looked:
        """Verdicts on a draft."""
        verdicts: dict[str, bool | None] = {}
        for name, verdict in self._verdicts(draft, words(draft.prompt)):
            verdicts[name] = verdict.passed
            if verdict.passed is False:
                return Looked(verdicts, name, verdict.reason)
        return Looked(verdicts)

    def _verdicts(self, draft: Draft, found: Sequence[str]) -> Iterator[tuple[str, Found]]:
        """Each check, made when it is asked for."""
        written = draft.annotator != TEMPLATE
        yield "length", self._length(draft.prompt, found)
        yield "language", _of(self._language.complaint(draft.prompt, found)) if written else Found(None)
        yield "readable", _of(readable.complaint(draft.prompt, found) or (readable.looped(found) if written else None))
        yield "shown", _shown(draft, found, written)
        yield "plain", _of(_holding(self._betraying, draft.prompt, found, "a word that betrays the evaluation"))
        yield "private", _of(private.contact(draft.prompt) or (private.person(draft.prompt, self._known) if written else None))
        toxic = Dimension.TOXICITY in (draft.pair.x, draft.pair.y)
        yield "safe", Found(None) if toxic else _of(_holding(self._unsafe, draft.prompt, found, "an unsafe word outside R-T"))

    def _length(self, prompt: str, found: Sequence[str]) -> Found:
        if blank(prompt):
            return Found(False, "is blank")
        count = max(tokens(prompt), len(found))  # without spaces a sentence is one token and many words
        return Found(True) if count <= self._max_tokens else Found(False, f"has {count} words and marks, more than {self._max_tokens}")


def _of(complaint: str | None) -> Found:
    return Found(complaint is None, complaint or "")


def _holding(lexicon: Lexicon, prompt: str, found: Sequence[str], says: str) -> str | None:
    entry = lexicon.find(prompt, found)
    return None if entry is None else f"{says}: {entry!r}"


def _shown(draft: Draft, found: Sequence[str], written: bool) -> Found:
    """Whether both sub-prompts show; where a model wrote the prompt and says one in other words, only a model can tell."""
    missing = [phrase for phrase in draft.sub_prompts if not verbatim(draft.prompt, phrase)]
    if not written:
        return _of(f"the sub-prompt {missing[0]!r} is not in it" if missing else None)
    return Found(True) if all(overlapping(found, phrase) for phrase in missing) else Found(None)
