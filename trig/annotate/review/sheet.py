"""CSV files that people edit: read as spreadsheet programs save them, written so that no text is taken for a formula."""

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path

from trig.errors import TableError
from trig.files import replace

DELIMITERS = (",", ";", "\t")
"""What spreadsheet programs put between cells, by the user's country."""
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""First characters of what spreadsheet programs compute (CSV injection)."""


@dataclass(frozen=True, slots=True)
class Row:
    """A row: column → cell, and where it stands, for messages."""

    where: str
    cells: Mapping[str, str]


def read(path: Path, needed: Sequence[str]) -> list[Row]:
    """Rows of a file, empty ones left out; short rows end in empty cells. Raises TableError."""
    text = _text(path)
    delimiter = max(DELIMITERS, key=text.partition("\n")[0].count)
    lines = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    found: list[Row] = []
    try:
        heads = _heads(path, next(lines, []), needed)
        for cells in lines:
            where = f"{path}: line {lines.line_num}"
            if len(cells) > len(heads):
                raise TableError(f"{where}: {len(cells)} cells for {len(heads)} columns; put a text with commas in quotes")
            if any(cell.strip() for cell in cells):
                found.append(Row(where, dict(zip(heads, [*cells, *[""] * (len(heads) - len(cells))], strict=True))))
    except csv.Error as error:
        raise TableError(f"{path}: line {lines.line_num}: no sound CSV ({error}); mend its quotes and line ends") from None
    return found


def _heads(path: Path, cells: Sequence[str], needed: Sequence[str]) -> list[str]:
    heads = [cell.strip().casefold() for cell in cells]
    if missing := [column for column in needed if column not in heads]:
        raise TableError(f"{path}: column {missing[0]!r} is missing; keep the columns of the first line as they were")
    if twice := [head for index, head in enumerate(heads) if head and head in heads[:index]]:
        raise TableError(f"{path}: column {twice[0]!r} stands twice; keep one")
    return heads


def _text(path: Path) -> str:
    try:
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    except OSError as error:
        raise TableError(f"{path}: it cannot be read ({error.strerror}); name a CSV file") from None
    if "\0" in text:
        raise TableError(f"{path}: this is not UTF-8 text; save it anew as `CSV UTF-8`")
    return text


def write(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> None:
    """Write a file: UTF-8 with a byte-order mark, without which some spreadsheet programs take it for another encoding."""
    out = StringIO(newline="")
    lines = csv.writer(out, lineterminator="\r\n")
    lines.writerow(columns)
    lines.writerows([_inert(row[column]) for column in columns] for row in rows)
    replace(path, out.getvalue().encode("utf-8-sig", "replace"))


def _inert(text: str) -> str:
    return f"'{text}" if text.startswith(FORMULA) else text
