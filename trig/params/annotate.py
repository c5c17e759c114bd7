"""The section `annotate`."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from trig.params.section import Section
from trig.params.values import Name, Place, Prompts, at_most
from trig.vocabulary.dimensions import Pair, Task, pairs
from trig.vocabulary.sizes import published_size


class Annotate(Section):
    """Material, subsets, their sizes, and what a prompt must meet."""

    material: Place  # folder with captions, sub-prompts and frames; or an imported benchmark
    sources: Place  # pictures to edit, and of subjects: a folder, or a parquet file
    tasks: list[Literal["t2i", "p2p", "s2p"]] = Field(min_length=1)
    profile: Literal["even", "trig"]  # even: per_subset prompts in each subset; trig: the sizes of the published benchmark
    per_subset: Annotated[int, Field(ge=1), Prompts]  # test prompts per subset
    train_per_subset: Annotated[int, Field(ge=0), Prompts]
    max_tokens: Annotated[int, Field(ge=1), at_most(100_000, "no model reads a prompt so long")]  # words and punctuation marks per prompt
    near_duplicate: Annotated[float, Field(gt=0, le=1)]  # Jaccard similarity of word 3-grams from which two prompts are one
    annotator: Name | None  # a language model of `annotators`; null: prompts are combined from the material
    review: Place  # verdicts of people: a file that `trig review import` wrote, or a folder of them; a folder without any: no review
    allow_toxic: bool  # read the material's toxic.yaml too

    @field_validator("tasks")
    @classmethod
    def _once(cls, tasks: list[str]) -> list[str]:
        if twice := next((task for place, task in enumerate(tasks) if task in tasks[:place]), None):
            raise ValueError(f"{twice} stands twice; name each task once")
        return tasks

    def subsets(self) -> tuple[tuple[Task, Pair], ...]:
        """The (task, pair) subsets to annotate."""
        return tuple((Task(task), pair) for task in self.tasks for pair in pairs(Task(task)))

    def size(self, task: Task, pair: Pair) -> int:
        """Test prompts of a subset."""
        return published_size(task, pair) if self.profile == "trig" else self.per_subset

    def sizes(self) -> dict[tuple[Task, Pair, str], int]:
        """Prompts of each subset and split, test before train; no split without prompts."""
        both = {subset: {"test": self.size(*subset), "train": self.train_per_subset} for subset in self.subsets()}
        return {(*subset, split): count for subset, splits in both.items() for split, count in splits.items() if count}
