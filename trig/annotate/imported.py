"""An imported benchmark as a material: its prompts are taken as they are, but for those that people rejected."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from trig import tables
from trig.annotate.review import Verdict, refusal
from trig.errors import TableError
from trig.notation import NotationError, read
from trig.params.annotate import Annotate
from trig.tables.funnel import GivenUp, Why
from trig.tables.prompts import PROMPTS
from trig.tables.rejected import CHECKS, NAMES, REJECTED
from trig.tables.sources import SOURCES, Library, told
from trig.vocabulary.dimensions import Pair, Task


class About(BaseModel):
    """What the head of any material.yaml says."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    kind: str | None = None  # imported: the folder holds prompts and not parts of them
    language: str
    licence: str
    origin: str


def about(folder: Path) -> About:
    """Name, kind, language, licence and origin of a material. Raises TableError."""
    file = folder / "material.yaml"
    try:
        return About.model_validate(read(file.read_text("utf-8")))
    except OSError as error:
        raise TableError(f"{file}: it cannot be read ({error.strerror}); name the folder of a material") from None
    except (NotationError, UnicodeDecodeError) as error:
        raise TableError(f"{file}: not readable as YAML: {error}") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise TableError(f"{file}: {'.'.join(map(str, first['loc']))}: {first['msg'].lower()}") from None


def load(folder: Path) -> tuple[pl.DataFrame, Path]:
    """Prompts, all of the test split, and the folder of their source pictures, which is missing where no prompt has one. Raises TableError."""
    if about(folder).kind != "imported":
        raise TableError(f"{folder / 'material.yaml'}: kind: not imported; name a folder that `trig import` wrote")
    prompts, sources = tables.read(folder / "prompts.parquet", PROMPTS), folder / "sources"
    held = Library(sources)
    missing = prompts.select("task", "data_id", "source").drop_nulls().filter(~pl.col("source").map_elements(held.__contains__, pl.Boolean))
    if missing.height:
        task, data_id, source = missing.row(0)
        raise TableError(
            f"{sources}: {missing.height} source pictures are missing, first that of {task} {data_id}, {source}; import it again"
        )
    return prompts, sources


@dataclass(frozen=True, slots=True)
class Taken:
    """What is taken of an import."""

    tables: tuple[pl.DataFrame, pl.DataFrame, pl.DataFrame]  # prompts, rejected ones, and source pictures without their bytes
    wanted: Mapping[tuple[Task, Pair, str], int]  # prompts of each subset, as far as the import has them
    left: Mapping[str, str]  # what was left out → why
    given_up: Mapping[tuple[Task, Pair, str], Sequence[GivenUp]]  # what people rejected
    library: Library  # the source pictures themselves


def take(folder: Path, verdicts: Mapping[str, Verdict] | None, settings: Annotate) -> Taken:
    """Of each subset the first so many prompts, and of these the ones that people accepted, where there is a review."""
    prompts, place = load(folder)
    asked = prompts.filter(pl.col("task").cast(pl.String).is_in(settings.tasks))
    numbers = pl.int_range(pl.len()).over("task", "pair")
    sizes = [settings.size(Task(task), Pair.parse(pair)) for task, pair in asked.select(pl.col("task", "pair").cast(pl.String)).iter_rows()]
    chosen = asked.filter(numbers < pl.Series(sizes, dtype=pl.Int64))
    reasons = [None if verdicts is None else refusal(verdicts, key) for key in chosen["key"]]
    accepted = chosen.filter(pl.Series([reason is None for reason in reasons], dtype=pl.Boolean))
    refused = [_refused(row, reason) for row, reason in zip(chosen.iter_rows(named=True), reasons, strict=True) if reason]
    used = accepted["source"].drop_nulls().unique().to_list()
    sources = told(place).filter(pl.col("source").is_in(used)) if used else pl.DataFrame(schema=dict(SOURCES.columns))
    counts = chosen.group_by(pl.col("task", "pair").cast(pl.String), maintain_order=True).len().iter_rows()
    left = {f"{asked.height - chosen.height} prompts": "more than the subsets are asked to have"} if asked.height > chosen.height else {}
    return Taken(
        (accepted, pl.DataFrame(refused, schema=dict(REJECTED.columns)), sources),
        {(Task(task), Pair.parse(pair), "test"): count for task, pair, count in counts},
        left,
        _given_up(refused),
        Library(place if used else None),
    )


def _given_up(refused: Sequence[Mapping[str, Any]]) -> dict[tuple[Task, Pair, str], list[GivenUp]]:
    found: dict[tuple[Task, Pair, str], list[GivenUp]] = {}
    for row in refused:
        place = (Task(row["task"]), Pair.parse(row["pair"]), "test")
        found.setdefault(place, []).append(GivenUp(slot=row["slot"], why=Why.REVIEW, tries=1))
    return found


def _refused(row: Mapping[str, Any], reason: str) -> dict[str, Any]:
    checks = dict.fromkeys(CHECKS) | {"check": "reviewed", "reason": reason, "reviewed": False}
    return {**{name: row[name] for name in NAMES}, "slot": int(row["data_id"].rpartition("_")[2]), "round": 0, **checks}
