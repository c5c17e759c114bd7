"""Figures of a review by people, as `trig review import` writes them."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from trig.errors import TableError


class _Figures(BaseModel):
    model_config = ConfigDict(frozen=True)


class Share(_Figures):
    """How many of some comparisons agree; the share is null without one."""

    share: float | None
    agree: int
    of: int


class Alpha(_Figures):
    """Krippendorff's alpha of one question; null where there is nothing to agree on."""

    question: str
    level: str  # nominal or ordinal
    alpha: float | None
    units: int  # with two ratings or more


class Rater(_Figures):
    """Figures of one rater."""

    rater: str
    answered: int
    kept: bool  # the gold score is high enough to count
    gold: Share
    repeats: Share
    consensus: Share


class Agreement(_Figures):
    """Agreement of the raters, and what they decided."""

    prompts: int
    verdicts: Mapping[str, int]
    alpha: tuple[Alpha, ...]
    raters: tuple[Rater, ...]


def files(review: Path) -> list[Path]:
    """Figures beside the verdicts of `annotate.review`: of a file, or all of a folder."""
    found = sorted(review.glob("*.json")) if review.is_dir() else [review.with_suffix(".json")]
    return [file for file in found if file.is_file()]


def read(path: Path) -> Agreement:
    """Read the file. Raises TableError where it holds something else."""
    try:
        return Agreement.model_validate_json(path.read_bytes())
    except OSError as error:
        raise TableError(f"{path}: it cannot be read ({error.strerror}); name the figures that `trig review import` wrote") from None
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "file"
        raise TableError(f"{path}: {where}: {first['msg']}; write the figures anew with `trig review import`") from None
