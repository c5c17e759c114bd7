"""Rubrics of the judge: a text file per task and dimension, `brief` and `full` ones here, or in a folder of the user's."""

import re
from collections.abc import Mapping, Sequence
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from unicodedata import category

from trig.errors import FileError, ParamsError
from trig.text import blank
from trig.vocabulary.dimensions import Dimension, Task

SHIPPED = ("brief", "full")
GRADES = "{grades}"
"""Placeholder for the grades, on the last line: the judge's answer is read from its first token."""
MARKUP = re.compile(r"<[A-Za-z/!|?][^<>]*>")
"""HTML tags and comments, and special tokens of judges such as <|im_end|>."""
INVISIBLE = ("Cc", "Cf", "Zl", "Zp")
WRITTEN = "\n\t\u200c\u200d"
"""Allowed though invisible: line breaks, tabs, and the joiners of Persian and Indic scripts."""


def rubrics(chosen: str, task: Task, grades: Sequence[str]) -> dict[Dimension, str]:
    """Rubrics of all ten dimensions of a task, ending in the grades to choose from, worst first. `chosen`: `judge.rubrics`."""
    *most, last = grades
    return {dimension: text.replace(GRADES, f"{', '.join(most)} or {last}") for dimension, text in texts(chosen, task).items()}


def texts(chosen: str, task: Task) -> Mapping[Dimension, str]:
    """Texts of all ten dimensions of a task with the placeholder. Raises FileError for the first file that is missing or unsound."""
    folder = files(__name__) / chosen if chosen in SHIPPED else Path(chosen)
    if not folder.is_dir():
        raise ParamsError(
            f"params.yaml: judge.rubrics: {chosen!r} is no folder here; choose {' or '.join(SHIPPED)}, or a folder with a file"
            f" {task}/{Dimension.REALISM}.txt and so on"
        )
    return {dimension: _text(folder / task.value / f"{dimension.value}.txt") for dimension in Dimension}


def _text(file: Traversable) -> str:
    try:
        text = file.read_bytes().decode("utf-8-sig").replace("\r\n", "\n").strip()
    except UnicodeDecodeError as error:
        raise FileError(f"{file}: not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise FileError(f"{file}: it cannot be read ({error.strerror}); judge.rubrics needs a text for every dimension of a task") from None
    if blank(text):
        raise FileError(f"{file}: this rubric is empty; write what the judge is to look for")
    for number, line in enumerate(text.split("\n"), 1):
        if strange := next((letter for letter in line if category(letter) in INVISIBLE and letter not in WRITTEN), None):
            raise FileError(f"{file}: line {number}: holds the control or invisible character U+{ord(strange):04X}; take it out")
        if found := MARKUP.search(line):
            raise FileError(f"{file}: line {number}: {found[0][:40]!r} is markup, which a judge takes for text or worse; write plain text")
    if text.count(GRADES) != 1 or GRADES not in text.rpartition("\n")[2]:
        raise FileError(f"{file}: {GRADES} must stand once, on the last line, as in 'Answer with one word: {GRADES}.'")
    return text
