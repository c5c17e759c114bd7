"""The stage `generate` for one model of a folder's params.yaml, with a work store of its own."""

from collections.abc import Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import workplace
from PIL import Image

from stages import generate
from trig import tables
from trig.tables import sources
from trig.tables.images import IMAGES
from trig.tables.prompts import PROMPTS
from trig.tables.sources import SOURCES, digest
from trig.testing import factories
from trig.vocabulary.dimensions import Pair, Task

PAIR = "IQ-R_TA-C"
T2I, P2P = ((task, Pair.parse(PAIR)) for task in (Task.T2I, Task.P2P))


def place(folder: Path, monkeypatch: pytest.MonkeyPatch, count: int, subsets: Iterable[tuple[Task, Pair]] = (T2I,), **models: Any) -> Path:
    """A folder to run the stage in, with these models and prompts, as the working directory."""
    workplace.bench(folder, **{f"models__{name}": entry for name, entry in models.items()})
    monkeypatch.chdir(folder)
    monkeypatch.setenv("DVC_ROOT", str(folder / "root"))
    tables.write(factories.prompts(subsets, count, 0), PROMPTS, folder / "prompts.parquet")
    drawn = [_source(number) for number in range(1, count + 1)]
    sources.write(pl.DataFrame(drawn, schema=dict(SOURCES.columns)), folder / "sources")
    return folder


def _source(number: int) -> dict[str, object]:
    file = factories.png(number)
    image = {"bytes": file, "path": f"{number}.png"}
    told = {"subject": "a thing", "place": "", "tasks": ["p2p"], "origin": "factory", "licence": "CC0-1.0"}
    return {"source": digest(file), "image": image, "width": 8, "height": 8, **told}


def rows(folder: Path, model: str) -> dict[str, dict[str, Any]]:
    """Rows of the images table by task and number of the prompt, such as `t2i 3`, after a run of the stage."""
    generate.main(model, folder / "prompts.parquet", folder / "sources", folder / "images")
    found = tables.read(folder / "images", IMAGES)
    return {f"{row['task']} {row['data_id'].rpartition('_')[2]}": row for row in found.iter_rows(named=True)}


def picture(file: Path, side: int = 16, seed: int = 0, **how: Any) -> bytes:
    """Writes noise to a file, in the format of its suffix; returns its bytes."""
    file.parent.mkdir(parents=True, exist_ok=True)
    with Image.open(BytesIO(factories.png(seed, side, side))) as shown:
        shown.save(file, **how)
    return file.read_bytes()
