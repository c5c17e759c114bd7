"""The section `annotate`."""

from typing import Annotated, Literal

from pydantic import Field

from trig.params.section import Section
from trig.params.values import Prompts, at_most
from trig.vocabulary.dimensions import Pair, Task, pairs


class Annotate(Section):
    """Number and length of prompts."""

    tasks: list[Literal["t2i"]] = Field(min_length=1)
    per_subset: Annotated[int, Field(ge=1), Prompts]  # test prompts per subset
    train_per_subset: Annotated[int, Field(ge=0), Prompts]
    max_tokens: Annotated[int, Field(ge=1), at_most(100_000, "no model reads a prompt so long")]  # words and punctuation marks per prompt

    def subsets(self) -> tuple[tuple[Task, Pair], ...]:
        """The (task, pair) subsets to annotate."""
        return tuple((Task(task), pair) for task in self.tasks for pair in pairs(Task(task)))
