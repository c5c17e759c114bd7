"""Verdicts of people on prompts: the files that `trig review import` writes, and whoever settles an open verdict edits."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from trig.annotate.review.sheet import Row, read
from trig.errors import TableError

COLUMNS = ("key", "task", "data_id", "verdict", "votes", "reason", "prompt")
"""Columns of the file. Only key, verdict, votes and reason are read; the others tell people which prompt it is."""
NEEDED = ("key", "verdict", "votes", "reason")
VERDICTS = ("accept", "reject", "open")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What people say of a prompt; open: they disagree, and a person has to settle it."""

    verdict: str  # accept, reject or open
    votes: str  # such as `2 accept, 1 reject`
    reason: str


def refusal(found: Mapping[str, Verdict], key: str) -> str | None:
    """Why people did not accept the prompt with this key; None where they did."""
    verdict = found.get(key)
    if verdict is None:
        return "nobody reviewed it"
    return None if verdict.verdict == "accept" else f"{verdict.verdict}: {verdict.reason}"


def verdicts(path: Path) -> Mapping[str, Verdict] | None:
    """Prompt key → verdict, of a file or of all CSV files of a folder; None where a folder has none: no review.

    Where two files name a prompt, an open verdict gives way. Raises TableError where they contradict each other, and for a file that is not sound.
    """
    files = _files(path)
    found: dict[str, tuple[Verdict, Path]] = {}
    for file in files:
        for key, verdict in _file(file).items():
            before, where = found.get(key, (verdict, file))
            if "open" not in (verdict.verdict, before.verdict) and verdict.verdict != before.verdict:
                raise TableError(f"{file}: prompt {key}: {verdict.verdict}, and {before.verdict} in {where}; settle it in one of them")
            if before.verdict in ("open", verdict.verdict):
                found[key] = (verdict, file)
    return {key: verdict for key, (verdict, _) in found.items()} if files else None


def _files(path: Path) -> list[Path]:
    """A file, or the CSV files of a folder. Raises TableError where there is neither."""
    if not path.is_dir():
        if not path.exists():
            raise TableError(
                f"{path}: annotate.review names no file or folder; correct the path, or make an empty folder where there is no review"
            )
        return [path]
    try:
        found = sorted(path.iterdir())
    except OSError as error:
        raise TableError(f"{path}: it cannot be read ({error.strerror}); allow it, or name another folder in annotate.review") from None
    return [file for file in found if file.suffix.lower() == ".csv" and not file.name.startswith(".")]


def _file(file: Path) -> dict[str, Verdict]:
    found: dict[str, Verdict] = {}
    for row in read(file, NEEDED):
        key = row.cells["key"].strip()
        if not key:
            raise TableError(f"{row.where}: column 'key' is empty; every row needs the key of its prompt")
        if not re.fullmatch("[0-9a-f]{32}", key) and _number(key):
            raise TableError(f"{row.where}: key {key!r}: a spreadsheet program made a number of it; import the column as text")
        if key in found:
            raise TableError(f"{row.where}: prompt {key} stands in an earlier row too; keep one")
        found[key] = Verdict(_verdict(row), row.cells["votes"].strip(), row.cells["reason"].strip())
    return found


def _number(text: str) -> bool:
    try:
        float(text.replace(",", "."))
    except ValueError:
        return False
    return True


def _verdict(row: Row) -> str:
    said = row.cells["verdict"].strip().casefold()
    if said not in VERDICTS:
        raise TableError(f"{row.where}: verdict {said!r} is unknown; write {', '.join(VERDICTS)}")
    return said
