"""The section `annotate`."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, Tag, field_validator, model_validator

from trig.params.section import Section
from trig.params.values import Name, Place, Prompts, TaskName, at_most
from trig.vocabulary.dimensions import Pair, Task, pairs
from trig.vocabulary.sizes import published_size

_Some = Annotated[int, Field(ge=1), Prompts]
_Any = Annotated[int, Field(ge=0), Prompts]


def _form(said: object) -> str:
    return "[tasks]" if isinstance(said, Mapping) else "[one]"


Counts = Annotated[Annotated[_Some, Tag("[one]")] | Annotated[dict[TaskName, _Some], Tag("[tasks]")], Discriminator(_form)]
"""Prompts per subset: a number, or one for each task."""
Spare = Annotated[Annotated[_Any, Tag("[one]")] | Annotated[dict[TaskName, _Any], Tag("[tasks]")], Discriminator(_form)]
"""The same, or none."""


class Annotate(Section):
    """Material, subsets, their sizes, and what a prompt must meet."""

    material: Place  # folder with captions, sub-prompts and frames; or an imported benchmark
    sources: Place  # pictures to edit, and of subjects: a folder, or a parquet file
    tasks: list[TaskName] = Field(min_length=1)
    profile: Literal["even", "trig"]  # even: per_subset prompts in each subset; trig: the sizes of the published benchmark
    per_subset: Counts  # test prompts
    train_per_subset: Spare
    max_tokens: Annotated[int, Field(ge=1), at_most(100_000, "no model reads a prompt so long")]  # words and punctuation marks per prompt
    near_duplicate: Annotated[float, Field(gt=0, le=1)]  # Jaccard similarity of word 3-grams from which two prompts are one
    annotator: Name | None  # a language model of `annotators`; null: prompts are combined from the material
    review: Place  # verdicts of people: a file that `trig review import` wrote, or a folder of them; a folder without any: no review
    allow_toxic: bool  # read the material's toxic.yaml too

    @field_validator("tasks")
    @classmethod
    def _once(cls, tasks: list[str]) -> list[str]:
        if twice := next((task for index, task in enumerate(tasks) if task in tasks[:index]), None):
            raise ValueError(f"{twice} stands twice; name each task once")
        return tasks

    @model_validator(mode="after")
    def _of_each_task(self) -> Self:
        for field in ("per_subset", "train_per_subset"):
            said = getattr(self, field)
            if isinstance(said, Mapping) and (missing := [task for task in self.tasks if task not in said]):
                raise ValueError(f"{field}: {said!r} says nothing of {', '.join(missing)}; give each task of annotate.tasks a number")
        return self

    def subsets(self) -> tuple[tuple[Task, Pair], ...]:
        """The (task, pair) subsets to annotate."""
        return tuple((Task(task), pair) for task in self.tasks for pair in pairs(Task(task)))

    def size(self, task: Task, pair: Pair) -> int:
        """Test prompts of a subset."""
        return published_size(task, pair) if self.profile == "trig" else self.even(task)

    def even(self, task: Task) -> int:
        """Test prompts of each subset of a task where the profile is even."""
        return self.per_subset if isinstance(self.per_subset, int) else self.per_subset[task.value]

    def spare(self, task: Task) -> int:
        """Train prompts of each subset of a task."""
        return self.train_per_subset if isinstance(self.train_per_subset, int) else self.train_per_subset[task.value]

    def sizes(self) -> dict[tuple[Task, Pair, str], int]:
        """Prompts of each subset and split, test before train; no split without prompts."""
        both = {subset: {"test": self.size(*subset), "train": self.spare(subset[0])} for subset in self.subsets()}
        return {(*subset, split): count for subset, splits in both.items() for split, count in splits.items() if count}
