"""What a rater is asked, and the files that raters send back."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from trig.annotate.review.sheet import Row, read
from trig.errors import TableError

CONCERNS = ("concerns_x", "concerns_y")
"""Does the prompt concern its first dimension, and its second?"""
QUESTIONS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(CONCERNS, ("yes", "no")),
    "quality": ("1", "2", "3", "4", "5"),
    "verdict": ("accept", "reject"),
}
"""Questions and their answers, as they stand in files. Quality is ordinal, the others are nominal."""
NEAR = 1
"""Grades of quality this far apart count as the same."""
FILLED = ("id", "rater", *QUESTIONS)
Answers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Filled:
    """What one rater answered: id → question → answer, and remarks."""

    rater: str
    answers: Mapping[str, Answers]
    remarks: Mapping[str, str]


def same(question: str, one: str, other: str) -> bool:
    """Whether two answers agree."""
    return abs(int(one) - int(other)) <= NEAR if question == "quality" else one == other


def known(row: Row) -> dict[str, str]:
    """Answers that a row gives; empty cells are left out. Raises TableError for an answer that there is not."""
    found = {question: row.cells.get(question, "").strip().casefold() for question in QUESTIONS}
    for question, answer in found.items():
        if answer and answer not in QUESTIONS[question]:
            wanted = "a grade from 1 to 5" if question == "quality" else " or ".join(QUESTIONS[question])
            raise TableError(f"{row.where}: {question} {answer!r} is no answer; write {wanted}")
    return {question: answer for question, answer in found.items() if answer}


def collect(files: Sequence[Path], ids: Collection[str], partial: bool) -> list[Filled]:
    """Reads filled files; with `partial`, rows without any answer, and rows that are not there, are missing values. Raises TableError."""
    found: dict[str, tuple[Filled, Path]] = {}
    for file in files:
        filled = _filled(file, ids, partial)
        if (before := found.get(filled.rater.casefold())) is not None:
            raise TableError(f"{file}: rater {filled.rater!r} sent {before[1]} too; keep one, or write other names")
        found[filled.rater.casefold()] = filled, file
    return [filled for filled, _ in found.values()]


def _filled(file: Path, ids: Collection[str], partial: bool) -> Filled:
    rows = read(file, FILLED)
    found: dict[str, Answers] = {}
    remarks: dict[str, str] = {}
    for row in rows:
        name = row.cells["id"].strip()
        if name not in ids:
            raise TableError(f"{row.where}: id {name!r} is unknown; the file belongs to another review, or the id was edited")
        if name in found or name in remarks:
            raise TableError(f"{row.where}: id {name!r} stands in an earlier row too; keep one")
        given = known(row)
        missing = [question for question in QUESTIONS if question not in given]
        if missing and (given or not partial):
            raise TableError(f"{row.where}: {missing[0]} has no answer; answer it{'' if given else ', or add --partial'}")
        remarks[name] = _line(row.cells.get("remark", ""))
        if given:
            found[name] = given
    if (absent := len(ids) - len(remarks)) and not partial:
        raise TableError(f"{file}: {absent} of {len(ids)} prompts are missing; send all rows back, or add --partial")
    return Filled(_rater(file, rows), found, remarks)


def _rater(file: Path, rows: Sequence[Row]) -> str:
    written = [name for row in rows if (name := _line(row.cells["rater"]))]
    names = {name.casefold(): name for name in reversed(written)}
    if len(names) != 1:
        told = f"it has rows of {' and of '.join(sorted(names)[:2])}" if names else "nobody is named"
        raise TableError(f"{file}: column 'rater': {told}; one file is one rater's: write the name in the first row")
    return next(iter(names.values()))


def _line(text: str) -> str:
    """One line of printable characters: no escape sequence reaches a terminal."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
