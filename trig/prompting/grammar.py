"""The grammar of a material: operations that rewrite prompts by patterns."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, Field, TypeAdapter, model_validator

from trig.annotate.wording import Id, Strict, load
from trig.errors import TableError
from trig.prompting.aims import Aim
from trig.prompting.recipes import Job
from trig.text import tokens
from trig.vocabulary.dimensions import Dimension, Task

FILE = "rewrites.yaml"
"""Its name in the folder of a material."""


def _pattern(text: str) -> str:
    """Validator: a regular expression."""
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is no regular expression: {error}") from None
    return text


class Change(Strict):
    """A pattern, and what stands in the place of its match."""

    find: Annotated[str, AfterValidator(_pattern)]
    put: str

    @model_validator(mode="after")
    def _names_groups_that_are_there(self) -> "Change":
        try:
            re.compile(f"{self.find}|").sub(self.put, "", count=1)
        except (re.error, IndexError) as error:
            raise ValueError(f"put: {self.put!r} does not fit {self.find!r}: {error}") from None
        return self


class Operation(Strict):
    """Something that can be done to a prompt: the first of its changes that matches."""

    raises: list[Dimension] = Field(min_length=1)  # dimensions that it may raise: pairs that aim at one of them try it
    tasks: list[Task] = Field(min_length=1)
    changes: list[Change] = Field(min_length=1)

    def __call__(self, prompt: str) -> str:
        """The prompt after it."""
        found = next((change for change in self.changes if re.search(change.find, prompt)), None)
        return prompt if found is None else re.sub(found.find, found.put, prompt, count=1)


class Grammar:
    """Operations by name. Satisfies `Writer`."""

    learns = False

    def __init__(self, name: str, operations: dict[str, Operation], longest: int) -> None:
        self.name, self.operations, self.longest = name, operations, longest

    @classmethod
    def of(cls, material: Path, longest: int) -> "Grammar":
        """The grammar of a material, for prompts of so many tokens. Raises TableError where it has none."""
        if not (material / FILE).is_file():
            raise TableError(
                f"{material / FILE}: there is no such file, so this material has no grammar to rewrite by; write one"
                f" (docs/design/prompting.md), or name a language model at prompting.annotator in params.yaml"
            )
        return cls(f"grammar: {material.name}", load(material / FILE, TypeAdapter(dict[Id, Operation])), longest)

    def steps(self, task: Task, aim: Aim) -> Sequence[str]:
        """In the order of the file."""
        return [name for name, each in self.operations.items() if task in each.tasks and set(each.raises) & set(aim.raised)]

    def write(self, jobs: Sequence[Job]) -> list[str]:
        """A prompt that would grow too long stays as it is."""
        return [self._written(job) for job in jobs]

    def _written(self, job: Job) -> str:
        found = job.prompt
        for step in job.recipe.steps:
            found = self.operations[step](found)
        return found if found.strip() and tokens(found) <= self.longest else job.prompt
