"""Drafts and descriptions by a language model, each question asked once."""

from collections.abc import Iterable, Iterator

from trig.annotate import write
from trig.annotate.asked import Desk, Errand, answers
from trig.annotate.draft import Draft
from trig.annotate.shapes import Seen
from trig.annotate.write import Brief
from trig.protocols.refusal import Refusal
from trig.vocabulary.dimensions import Task


def written(drafts: Iterable[Draft], brief: Brief, desk: Desk, provider: str) -> Iterator[tuple[Draft, Draft | Refusal]]:
    """Each draft combined from a template, and what the language model made of it, in order. `provider` is named in the new drafts."""
    templates = list(drafts)
    asked = answers(errands(templates, brief), desk)
    for template, said in zip(templates, asked, strict=True):
        if isinstance(said, Refusal):
            yield template, said
        else:
            yield template, write.draft(template, said, f"{desk.annotator.name}: {provider}/{said.model}")


def errands(drafts: Iterable[Draft], brief: Brief) -> list[Errand]:
    """The questions that `written` asks."""
    return [Errand(write.question(draft, brief)) for draft in drafts]


def described(sources: Iterable[str], task: Task, language: str, desk: Desk) -> Iterator[tuple[str, Seen | Refusal]]:
    """What each source picture shows, by content hash; a Refusal where it is unfit for the task, or was not described."""
    hashes = list(sources)
    asked = answers([Errand(write.describe(task, language), (source,)) for source in hashes], desk)
    for source, said in zip(hashes, asked, strict=True):
        if isinstance(said, Refusal):
            yield source, said
            continue
        assert isinstance(said.answer, Seen)
        yield source, said.answer if said.answer.fit else Refusal(f"unfit: {said.answer.unfit_reason or 'no reason given'}", final=True)
