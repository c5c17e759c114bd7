"""Folders that are written whole, and an imported benchmark's folder."""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree

from trig import tables
from trig.errors import FileError
from trig.exchange.importing import Imported
from trig.files import replace
from trig.tables import sources
from trig.tables.prompts import PROMPTS
from trig.tables.published import PUBLISHED

PROMPTS_FILE, PUBLISHED_FILE, SOURCES_FOLDER, MATERIAL_FILE = "prompts.parquet", "published.parquet", "sources", "material.yaml"


@contextmanager
def building(folder: Path) -> Iterator[Path]:
    """A new folder that is there whole or not at all. Raises FileError where one with files is there already."""
    folder = folder.absolute()
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise FileError(f"{folder}: something is there already; name another folder, or remove it")
        part.mkdir(parents=True)
        yield part
        if folder.is_dir():
            folder.rmdir()
        part.replace(folder)
    except OSError as error:
        raise FileError(f"{folder}: it cannot be written ({error.strerror}); mend that and run again") from None
    finally:
        rmtree(part, ignore_errors=True)


def write(made: Imported, about: Mapping[str, str], folder: Path) -> None:
    """Writes an imported benchmark as a material: what material.yaml says of it, and its tables."""
    with building(folder) as part:
        tables.write(made.prompts, PROMPTS, part / PROMPTS_FILE)
        tables.write(made.published, PUBLISHED, part / PUBLISHED_FILE)
        if made.sources.height:
            sources.write(made.sources, part / SOURCES_FOLDER)
        replace(part / MATERIAL_FILE, "".join(yaml_lines({"kind": "imported", **about})).encode())


def yaml_lines(values: Mapping[str, object]) -> Iterator[str]:
    """A YAML mapping, a line per entry: the values are JSON, which YAML includes."""
    yield from (f"{name}: {json.dumps(value, ensure_ascii=False)}\n" for name, value in values.items())
