"""The funnel of annotation: of each subset how many prompts were wanted, drafted, refused and accepted, and how even they are.

One JSON file, a licence and origin or a subset per line, that the annotation writes and that gates and report read.
"""

import json
from collections.abc import Iterable, Mapping
from enum import StrEnum
from math import log
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from trig.errors import TableError
from trig.files import replace


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Words(_Record):
    """Words per accepted prompt: the least, quartiles, the most, and the mean."""

    least: int
    low: float
    median: float
    high: float
    most: int
    mean: float


class Coverage(_Record):
    """Sub-prompts of one dimension in the accepted prompts of a subset."""

    there: int  # phrases that the material has
    used: int  # of these, how many stand in a prompt
    most: int  # prompts with the most frequent phrase
    prompts: int  # prompts that have a phrase of the dimension


class Why(StrEnum):
    """Why a slot was given up."""

    MATERIAL = "material"  # nothing of it is left for the slot
    ANNOTATOR = "annotator"  # the language model had as many tries as it may have
    SUBSET = "subset"  # no slot of the subset was filled for many rounds
    ROUNDS = "rounds"  # the last round
    PARENT = "parent"  # a copy of a slot that was given up
    REVIEW = "review"  # people rejected the imported prompt


class GivenUp(_Record):
    """A slot without a prompt."""

    slot: int
    why: Why
    tries: int  # rejected drafts of the slot; of a copy, those of the slot that it copies
    parent: str | None = None  # pair of the subset that it copies


class Subset(_Record):
    """A (task, pair) subset of one split."""

    task: str
    pair: str
    split: str
    wanted: int
    drafted: int  # accepted and refused drafts; copies are not drafted
    copied: int  # accepted copies of another subset's prompts
    accepted: int  # with the copies
    rejected: dict[str, int]  # check → drafts that failed it first
    kinds: dict[str, int]  # kind of caption → accepted prompts
    frames: dict[str, int]  # frames → accepted prompts
    phrases: dict[str, Coverage]  # dimension → its sub-prompts
    words: Words | None  # null: no prompt was accepted
    given_up: tuple[GivenUp, ...]  # by slot

    @property
    def exhausted(self) -> bool:
        """Whether the material gave fewer prompts than were wanted."""
        return self.accepted < self.wanted


class Credit(_Record):
    """Captions or phrases of one licence and origin; of an imported benchmark, its prompts."""

    of: str  # captions, phrases or prompts
    licence: str
    origin: str
    entries: int  # of them, how many a prompt uses
    prompts: int  # prompts that use one or more of them


class Funnel(_Record):
    """All subsets, in the order of tasks and pairs, test before train, and what the prompts were written from."""

    subsets: tuple[Subset, ...]
    credits: tuple[Credit, ...] = ()

    @property
    def imported(self) -> bool:
        """Whether the prompts were taken from a benchmark and not drafted from a material."""
        return any(one.of == "prompts" for one in self.credits)


def evenness(counts: Mapping[str, int]) -> float | None:
    """Shannon entropy of shares divided by its maximum, in [0, 1]: 1 where all are equal. None for fewer than two."""
    total = sum(counts.values())
    if len(counts) < 2 or not total:
        return None
    return -sum(count / total * log(count / total) for count in counts.values() if count) / log(len(counts))


def write(funnel: Funnel, path: Path) -> None:
    """Write the file. Deterministic."""
    credits_, subsets = _lines(funnel.credits), _lines(funnel.subsets)
    replace(path, f'{{"credits": [\n{credits_}\n],\n"subsets": [\n{subsets}\n]}}\n'.encode())


def _lines(records: Iterable[_Record]) -> str:
    return ",\n".join(json.dumps(each.model_dump(), ensure_ascii=False, sort_keys=True) for each in records)


def read(path: Path) -> Funnel:
    """Read the file. Raises TableError where it holds something else."""
    try:
        return Funnel.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise TableError(f"{path}: this file is missing; write it with `dvc repro annotate`") from None
    except OSError as error:
        raise TableError(f"{path}: it cannot be read ({error.strerror}); write it anew with `dvc repro annotate`") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "file"
        raise TableError(f"{path}: {where}: {first['msg']}; write it anew with `dvc repro annotate`") from None
