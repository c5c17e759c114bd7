"""An imported benchmark as a material: its prompts are taken as they are."""

from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError

from trig import tables
from trig.errors import TableError
from trig.notation import NotationError, read
from trig.tables.prompts import PROMPTS
from trig.tables.sources import Library


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
