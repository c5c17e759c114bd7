"""Publishes prompts: files in a published format, with the head of a dataset card and what a datasheet tells."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl

from trig import tables
from trig.errors import FileError
from trig.exchange import exporting
from trig.exchange.folder import PUBLISHED_FILE
from trig.exchange.header import head
from trig.files import building
from trig.tables import funnel
from trig.tables.funnel import Credit
from trig.tables.prompts import PROMPTS
from trig.tables.prompts import split as of_split
from trig.tables.published import PUBLISHED
from trig.tables.rejected import REJECTED
from trig.tables.sources import SOURCES
from trig.vocabulary.dimensions import Task

UNKNOWN = "unknown"
"""Licence that nobody told."""
COUNTS_FILE, REJECTED_FILE = "annotate.json", "rejected.parquet"
Format = Literal["json", "hf"]
Split = Literal["test", "train"]


@dataclass(frozen=True, slots=True)
class Described:
    """What a datasheet tells."""

    name: str
    origin: str
    licence: str
    language: str
    prompts: pl.DataFrame  # those exported
    sources: pl.DataFrame | None  # licence and origin of the pictures that they name
    rejected: pl.DataFrame | None  # task and check of the refused drafts
    credits: Sequence[Credit]  # licences and origins of captions and phrases
    published: pl.DataFrame | None  # the rows of an import

    @property
    def left_out(self) -> pl.DataFrame | None:
        """The imported rows without a prompt, each with its reason."""
        return None if self.published is None else self.published.filter(self.published["reason"].is_not_null())


def described(file: Path, split: Split, about: Mapping[str, str], material: Path, sources: Path, rejected: Path | None) -> Described:
    """The prompts of a split and what is known of them; only licences and origins are read of the pictures. `about`: what material.yaml says.

    Raises TableError, and FileError where the split has no prompt.
    """
    chosen = of_split(tables.read(file, PROMPTS), split)
    if not chosen.height:
        raise FileError(f"{file}: no prompt of the {split} split; choose another split")
    named = chosen.select("source").drop_nulls().unique()
    refused, published, counts = rejected or file.parent / REJECTED_FILE, material / PUBLISHED_FILE, file.parent / COUNTS_FILE
    return Described(
        name=about.get("name", "TRIG prompts"),
        origin=about.get("origin", ""),
        licence=about.get("licence", UNKNOWN),
        language=about.get("language", "en"),
        prompts=chosen,
        sources=tables.read(sources, SOURCES.only(("origin", "licence"))).join(named, on="source", how="semi") if named.height else None,
        rejected=tables.read(refused, REJECTED) if refused.exists() else None,
        credits=funnel.read(counts).credits if counts.exists() else (),
        published=tables.read(published, PUBLISHED) if published.exists() else None,
    )


def publish(told: Described, to: Format, sources: Path, out: Path, datasheet: Callable[[Described], str]) -> Mapping[Task, int]:
    """Writes the files, the pictures that prompts name, and a README into a new folder. Prompts by task. Raises TableError and FileError."""
    with exporting.pictures_of(told.prompts, sources) as pictures, building(out) as part:
        rows = exporting.rows(told.prompts, told.published, pictures)
        files = exporting.write_json(rows, pictures, part) if to == "json" else exporting.write_hf(rows, pictures, part)
        counts = {task: told.prompts.filter(told.prompts["task"] == task).height for task in files}
        columns = exporting.columns_of(part / next(iter(files.values()))) if to == "hf" else None
        top = head(told.name, told.language, told.licence, files, counts, columns)
        (part / "README.md").write_text(f"{top}\n{datasheet(told)}", "utf-8")
    return counts
