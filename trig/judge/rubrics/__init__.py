"""Rubrics of the judge: one text file per task and dimension."""

from collections.abc import Sequence
from importlib.resources import files

from trig.errors import ParamsError
from trig.vocabulary.dimensions import Dimension, Task


def rubric(task: Task, dimension: Dimension, grades: Sequence[str]) -> str:
    """Rubric of one dimension, ending in the grades to choose from, worst first."""
    path = files(__name__) / task.value / f"{dimension.value}.txt"
    if not path.is_file():
        raise ParamsError(
            f"annotate.tasks: there is no rubric for {dimension} of {task}; add {task}/{dimension}.txt to the judge's rubrics"
        )
    *most, last = grades
    return f"{path.read_text(encoding='utf-8').strip()} Answer with one word: {', '.join(most)} or {last}."


def rubrics(task: Task, grades: Sequence[str]) -> dict[Dimension, str]:
    """Rubrics of all ten dimensions of a task."""
    return {dimension: rubric(task, dimension, grades) for dimension in Dimension}
