"""An imported benchmark's folder."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from trig import tables
from trig.exchange.importing import Imported
from trig.files import building, replace
from trig.tables import sources
from trig.tables.prompts import PROMPTS
from trig.tables.published import PUBLISHED

PROMPTS_FILE, PUBLISHED_FILE, SOURCES_FOLDER, MATERIAL_FILE = "prompts.parquet", "published.parquet", "sources", "material.yaml"


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
