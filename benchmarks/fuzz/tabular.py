"""Readers of tables: Parquet with its notes, imported benchmarks, shards of sources, and what maps files to rows."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.fuzz import texts
from benchmarks.fuzz.reader import Reader
from trig import tables
from trig.annotate import imported
from trig.annotate.pictures import given as given_pictures
from trig.backends.painters.folder import Folder
from trig.cli import exchange
from trig.params.models.folder import FolderModel
from trig.protocols.generator import Order, Row
from trig.report import agreement
from trig.tables import funnel, made, pictures, sources
from trig.tables.images import IMAGES
from trig.tables.prompts import PROMPTS
from trig.tables.relations import RELATIONS
from trig.tables.scores import SCORES
from trig.testing import factories
from trig.testing.programs import ROOT

MADE = made.Made(stage="annotate", code="0" * 32, inputs={"material": "1" * 32}, parameters={"seed": "2" * 32})
T2I = ("IQ-R_TA-R_1", "IQ-R_TA-R_4", "TA-R_TA-S_1")
HEAD = "---\nlicense: cc-by-4.0\nlanguage:\n- en\n---\n# A benchmark\n"


def _prompts(place: Path) -> None:
    tables.write(factories.prompts(), PROMPTS, place / "prompts.parquet", MADE)


def _read_prompts(given: Path, _: Path) -> None:
    tables.read(given / "prompts.parquet", PROMPTS)


def _notes(place: Path) -> None:
    rows = factories.prompts()
    tables.write(factories.scores(rows), SCORES, place / "scores.parquet", MADE)
    tables.write(factories.relations(), RELATIONS, place / "relations.parquet", MADE)
    shutil.copy(ROOT / "docs/annotation-sample.csv", place / "else.csv")


def _read_notes(given: Path, _: Path) -> None:
    """What provenance reads, and the tables themselves."""
    made.content(given)
    for name, table in (("scores.parquet", SCORES), ("relations.parquet", RELATIONS)):
        made.noted(given / name)
        made.rows_of(given / name)
        tables.read(given / name, table)


def _images(place: Path) -> None:
    pictures.write(factories.images(factories.prompts()).iter_rows(named=True), IMAGES, place / "shard.parquet", MADE)


def _read_images(given: Path, _: Path) -> None:
    shard = given / "shard.parquet"
    rows = pictures.told(shard, IMAGES).height
    for _row, read in pictures.read(shard, None):
        pictures.picture({"image": {"bytes": read.get("image.bytes", read.get("image"))}})
    reader = pictures.Reader(["image"])
    for row in range(rows):
        pictures.picture(reader.row(shard, row))


def _sources(place: Path) -> None:
    files = [factories.png(number, 12, 10) for number in range(3)]
    told: dict[str, Any] = {
        "width": 12,
        "height": 10,
        "subject": "a kite",
        "item": "kite",
        "tasks": ["p2p", "s2p"],
        "origin": "noise",
        "licence": "CC0-1.0",
    }
    rows = [{"source": sources.digest(file), "image": {"bytes": file, "path": f"{n}.png"}, **told} for n, file in enumerate(files)]
    sources.write(pl.DataFrame(rows, schema=dict(sources.SOURCES.columns)), place / "sources")
    columns = {
        "image": [{"bytes": file, "path": None} for file in files],
        "subject": ["a kite", "a fox", None],
        "item": ["kite", None, None],
    }
    pl.DataFrame(columns).write_parquet(place / "loose.parquet")


def _read_sources(given: Path, out: Path) -> None:
    """Shards as annotate and as later stages read them, and a table of pictures as people have it."""
    for place in (given / "loose.parquet", given / "sources"):
        found = given_pictures(place)
        sources.write(found.rows.with_columns(subject=pl.col("subject").fill_null("a thing")), out / place.stem, found.reader.get)
    library = sources.Library(given / "sources")
    sources.told(given / "sources")
    for name in library.names:
        library.size(name)
        library.get(name)


def _record(data_id: str, **more: object) -> dict[str, object]:
    codes = data_id.split("_")[:2]
    told = {
        "data_id": data_id,
        "prompt": f"A heron {data_id} by a boat",
        "dimension_prompt": ["", "by a boat"],
        "parent_dataset": ["DOCCI", "Origin"],
    }
    return told | {"img_id": "", "dimensions": codes} | more


def _benchmark(place: Path) -> None:
    """The published layouts: JSON and JSON lines with pictures beside them, and Parquet."""
    rows = [_record(name, dimension=name.split("_")[:2]) for name in T2I]
    (place / "text-to-image.json").write_text(
        json.dumps([*rows, _record("IQ-A_TA-R_1", parent_dataset=["<IQ-R, TA-R>", "Origin"])]), "utf-8"
    )
    edits = [
        _record("IQ-O_D-K_1", img_id="hall.png", votes=[3, None]),
        _record("IQ-O_D-K_2", img_id="in/hall.png", target_group="none", text=""),
    ]
    (place / "image-editing.jsonl").write_text("\n".join(map(json.dumps, edits)), "utf-8")
    subject = {
        **_record("TA-C_TA-S_1", item="kettle", img_id="kettle.png"),
        "image": {"bytes": factories.png(1), "path": "x.png"},
        "extra_fields": '{"a": [1]}',
    }
    pl.DataFrame([subject]).write_parquet(place / "subject_driven.parquet")
    (place / "pictures/in").mkdir(parents=True)
    (place / "README.md").write_text(HEAD, "utf-8")
    for name in ("hall.png", "in/hall.png"):
        (place / "pictures" / name).write_bytes(factories.png(2))


def _import(given: Path, out: Path) -> None:
    """Imported, loaded as a material, and exported again."""
    exchange.trig_bench([str(given)], out / "benchmark", [f"p2p={given / 'pictures'}"], None, None)
    imported.load(out / "benchmark")
    exchange.export(out / "benchmark", "json", out / "json", None, None, None, "test")
    exchange.export(out / "benchmark", "hf", out / "hf", None, None, None, "test")


def _material(place: Path) -> None:
    """What an import wrote, and others may have changed."""
    given = place / "given"
    given.mkdir()
    _benchmark(given)
    exchange.trig_bench([str(given)], place / "material", [f"p2p={given / 'pictures'}"], "CC0-1.0", "en")
    shutil.rmtree(given)


def _load(given: Path, out: Path) -> None:
    prompts, place = imported.load(given / "material")
    library = sources.Library(place)
    for source in prompts["source"].drop_nulls():
        library.get(source)
    exchange.export(given / "material", "json", out / "json", None, None, None, "test")


def _mapping(place: Path) -> None:
    frame = pl.DataFrame(
        {"data_id": ["IQ-R_TA-C_1", "IQ-R_TA-C_2"], "file": ["a.png", "in/b.png"], "task": ["t2i", "t2i"], "number": [0, 0]}
    )
    frame.write_csv(place / "map.csv")
    frame.write_ndjson(place / "map.jsonl")
    frame.write_parquet(place / "map.parquet")
    (place / "in").mkdir()
    for name in ("a.png", "in/b.png"):
        (place / name).write_bytes(factories.png(3, 16, 16))


def _map(given: Path, _: Path) -> None:
    """Every table, so that each input reads the broken one; the first that is refused ends it."""
    orders = [Order("", 0, None, Row("t2i", "IQ-R_TA-C", f"IQ-R_TA-C_{number}")) for number in (1, 2, 3)]
    for table in ("map.csv", "map.jsonl", "map.parquet", None):
        entry = {
            "backend": "folder",
            "folder": str(given),
            "needs": str(given),
            "mapping": table,
            "extends": None,
            "width": 16,
            "height": 16,
        }
        painter = Folder("mine", FolderModel.model_validate(entry))
        painter.revisions(orders)
        painter.generate(orders)


def _figures(place: Path) -> None:
    shutil.copy(ROOT / "data/tiny/judge.json", place / "judge.json")
    review = {
        "review": "x",
        "prompts": 1,
        "verdicts": {"accept": 1},
        "alpha": [{"question": "quality", "level": "nominal", "alpha": None, "units": 0}],
        "raters": [],
    }
    (place / "review.json").write_text(json.dumps(review), "utf-8")
    texts.material(place)
    counts = texts.annotated(place).funnel
    for file in place.glob("*.yaml"):
        file.unlink()
    funnel.write(counts.model_copy(update={"subsets": counts.subsets[:2]}), place / "annotate.json")


def _read_figures(given: Path, _: Path) -> None:
    for file in agreement.files(given):
        if file.name == "review.json":
            agreement.read(file)
    funnel.read(given / "annotate.json")


READERS = (
    Reader("prompts", 600, _prompts, _read_prompts),
    Reader("notes", 400, _notes, _read_notes),
    Reader("images", 300, _images, _read_images),
    Reader("sources", 400, _sources, _read_sources),
    Reader("benchmark", 500, _benchmark, _import),
    Reader("imported", 300, _material, _load),
    Reader("mapping", 400, _mapping, _map),
    Reader("figures", 200, _figures, _read_figures),
)
