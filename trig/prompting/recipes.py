"""Recipes: how the prompts of a pair are rewritten, and what can write by them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from trig.prompting.aims import Aim
from trig.vocabulary.dimensions import Task


@dataclass(frozen=True, slots=True)
class Example:
    """A train prompt, what it was rewritten to, and what that changed."""

    prompt: str
    painted: str
    gain: float  # of the figure that is to rise, mean over seeds


@dataclass(frozen=True, slots=True)
class Recipe:
    """Steps, one after another; none leave a prompt as it is."""

    steps: tuple[str, ...] = ()
    examples: tuple[Example, ...] = ()

    def __str__(self) -> str:
        return "+".join(self.steps)


@dataclass(frozen=True, slots=True)
class Job:
    """A prompt to rewrite."""

    task: Task
    aim: Aim
    recipe: Recipe
    prompt: str


class Writer(Protocol):
    """A grammar, or a language model."""

    name: str
    learns: bool  # whether examples decide what it writes

    def steps(self, task: Task, aim: Aim) -> Sequence[str]:
        """Steps that may serve an aim."""
        ...

    def write(self, jobs: Sequence[Job]) -> list[str]:
        """The rewritten prompts, in order; one that cannot be rewritten, or would be too long, stays as it is."""
        ...
