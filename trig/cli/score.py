"""`trig score`: score images from the command line."""

import json
import os
import sys
from collections import deque
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from trig import params
from trig.errors import FileError, StoreClosedError, TableError, TrigError
from trig.files import replacing
from trig.judge.byhand import Rater
from trig.judge.samples import Sample, samples
from trig.run.display import bar
from trig.store import Store
from trig.vocabulary.about import ABOUT
from trig.vocabulary.dimensions import Dimension, dimension

FEW = 100
"""Maximum number of scores without a progress bar."""


def score(
    target: Annotated[
        Path, typer.Argument(help="A picture, a folder of pictures, or a CSV or Parquet table of image, prompt, task and source.")
    ],
    prompt: Annotated[
        str | None, typer.Option(help="The prompt it was made from; without it the text file beside a picture holds its prompt.")
    ] = None,
    codes: Annotated[
        list[str] | None, typer.Option("--dimension", help="A dimension, such as TA-R; may be given more than once. All ten if not given.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Write the scores to this .csv or .parquet file.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, a line per score.")] = False,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Questions judged together; the file's judge.batch_size if not given.")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Ask everything, also what the work store knows, and keep nothing there.")] = False,
) -> None:
    """Rates pictures with the configured judge. A run that was stopped goes on where it was."""
    asked = [dimension(code) for code in codes or ()] or list(Dimension)
    if out:
        _writable(out)
    table = _rate(samples(target, prompt, _tell), asked, batch_size, fresh)
    rows = table.to_dicts()
    if out:
        _write(table, out)
    elif as_json:
        for row in rows:
            print(json.dumps(row))
    elif len(rows) == 1 and rows[0]["reason"]:
        raise TrigError(f"{rows[0]['image']}: no score: {rows[0]['reason']}")
    else:
        many = len({row["image"] for row in rows}) > 1
        for row in rows:
            print(f"{row['image']}: {_line(row)}" if many else _line(row))
    missing = [row for row in rows if row["reason"]]
    if missing and len(rows) > 1:
        print(f"{len(missing)} of {len(rows)} have no score; the first: {missing[0]['image']}: {missing[0]['reason']}", file=sys.stderr)


def _rate(found: Sequence[Sample], asked: Sequence[Dimension], batch_size: int | None, fresh: bool) -> pl.DataFrame:
    """Score table: a row per image and dimension, in order."""
    from trig.backends import judges

    settings = params.load()
    watch = deque if len(found) * len(asked) <= FEW else partial(bar, "score")
    with nullcontext() if fresh else _store() as store:
        return Rater(judges.load(settings, batch_size), settings.judge, store).score(found, asked, watch)


def _tell(line: str) -> None:
    print(line, file=sys.stderr)


def _store() -> AbstractContextManager[Store | None]:
    """The work store; None, with a warning, if it is not writable: scores are then not cached."""
    try:
        return Store.open()
    except StoreClosedError as error:
        _tell(f"{error}; until then no answer is kept, as with --fresh")
        return nullcontext()


def _writable(out: Path) -> None:
    """Fail early: raises TableError, before any question, if the output cannot be written."""
    if out.suffix not in {".csv", ".parquet"}:
        raise TableError(f"--out: {out}: the file must end in .csv or .parquet")
    if out.is_dir():
        raise TableError(f"--out: {out}: this is a folder; name a file")
    if not out.parent.is_dir():
        raise TableError(f"--out: {out}: there is no folder {out.parent}; make it, or name another")
    if not os.access(out.parent, os.W_OK):
        raise TableError(f"--out: {out}: nothing may be written in {out.parent}; allow it, or name another folder")


def _write(table: pl.DataFrame, out: Path) -> None:
    """Write-then-rename: the table is whole or absent."""
    try:
        with replacing(out) as part:
            _fill(table, part, out.suffix)
    except FileError as error:
        raise TableError(f"--out: {error}") from None
    print(f"{table.height} scores are in {out}")


def _fill(table: pl.DataFrame, file: Path, suffix: str) -> None:
    """Write the table; CSV gets a probability column per grade."""
    if suffix == ".csv":
        grades = table["grades"][0]
        shares = [pl.col("p").list.get(index, null_on_oob=True).alias(f"p_{grade}") for index, grade in enumerate(grades)]
        table.with_columns(shares).drop("p", "grades").write_csv(file)
    else:
        table.write_parquet(file)


def _line(row: dict[str, Any]) -> str:
    code = Dimension(row["dimension"])
    if row["reason"]:
        return f"{code} {ABOUT[code].name}: no score: {row['reason']}"
    shares = ", ".join(f"{grade} {share:.3f}" for grade, share in zip(row["grades"], row["p"], strict=True))
    numbers = f"S {row['expected']:.4f}, C {row['confidence']:.4f}, C·S {row['score_trig']:.4f}"
    return f"{code} {ABOUT[code].name}: {numbers} ({shares}; off-grade mass {row['off_mass']:.2g})"
