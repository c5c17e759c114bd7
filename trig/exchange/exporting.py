"""Exports prompts in the published formats."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from trig import tables
from trig.errors import TableError
from trig.exchange import SPLITS
from trig.exchange.album import inside, split_folder
from trig.exchange.header import LISTS, features
from trig.exchange.importing import LABEL, NEW
from trig.exchange.record import ANNOTATIONS, EXTRA, Row, written
from trig.tables.sources import ROWS, digest
from trig.vocabulary.dimensions import Task

COLUMNS = ("data_id", "item", "prompt", "dimension_prompt", "parent_dataset", "img_id", "dimensions", "image")
"""Columns of the hub's layout, in order. Any of MORE follow where a row needs them."""
MORE = ("target_group", "text", EXTRA)
GROUP = 100
"""Rows per parquet row group, as the hub advises for pictures."""
SUFFIXES = {b"\x89PNG": ".png", b"\xff\xd8": ".jpg", b"RIFF": ".webp"}
"""Suffix of a picture file by how it begins."""
IMAGE = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@dataclass(frozen=True, slots=True)
class Pictures:
    """Source pictures in one file, so that any order of reading is fast."""

    file: IO[bytes]
    places: Mapping[str, tuple[int, int]]  # offset and length by content hash

    def get(self, source: str) -> bytes:
        """A picture file."""
        place, length = self.places[source]
        self.file.seek(place)
        return self.file.read(length)


@contextmanager
def pictures_of(prompts: pl.DataFrame, folder: Path) -> Iterator[Pictures]:
    """The pictures that prompts name, copied from their shards into a temporary file. Raises TableError for one that is missing or changed."""
    left, places = set(prompts["source"].drop_nulls()), dict[str, tuple[int, int]]()
    with TemporaryFile() as file:
        for source, picture in _stored(folder) if left else ():
            if source in left:
                if digest(picture) != source:
                    raise TableError(
                        f"{folder}: the picture {source} has other bytes than its name says; run the stage that writes it again"
                    )
                places[source] = (file.tell(), len(picture))
                file.write(picture)
                left.remove(source)
        if left:
            raise TableError(f"{folder}: there is no source picture {min(left)}, which a prompt names; name the folder by --sources")
        yield Pictures(file, places)


def _stored(folder: Path) -> Iterator[tuple[str, bytes]]:
    for file in tables.shards(folder):
        try:
            for batch in pq.ParquetFile(file).iter_batches(ROWS, columns=["source", "image"]):
                yield from ((row["source"], row["image"]["bytes"]) for row in batch.to_pylist())
        except (pa.ArrowException, OSError) as error:
            raise TableError(f"{file}: not a readable parquet file ({str(error).splitlines()[0]}); run the stage that writes it") from None


def rows(prompts: pl.DataFrame, published: pl.DataFrame | None, pictures: Pictures) -> Iterator[tuple[Row, str | None]]:
    """A published row of each prompt, and its source. What a record said beside its prompt is kept where the prompt was imported."""
    known = {(row["task"], row["data_id"]): row for row in ([] if published is None else published.iter_rows(named=True))}
    for prompt in prompts.iter_rows(named=True):
        yield _row(prompt, known.get((prompt["task"], prompt["data_id"])), pictures), prompt["source"]


def _row(prompt: dict[str, Any], known: dict[str, Any] | None, pictures: Pictures) -> Row:
    dimensions = prompt["pair"].split("_")
    row: dict[str, Any] = known or {
        "task": prompt["task"],
        "data_id": prompt["data_id"],
        "published_id": prompt["data_id"],
        "dimensions": dimensions,
        "parent_dataset": _parent_dataset(prompt),
        "img_id": _img_id(prompt["source"], pictures) if prompt["source"] else "",
        "target_group": None,
        "text": None,
        "extra": None,
    }
    turned = row["dimensions"] != dimensions
    texts = {"prompt": prompt["prompt"], "sub_prompts": prompt["sub_prompts"][::-1] if turned else prompt["sub_prompts"]}
    return row | texts | {"item": prompt["item"] or row.get("item"), "reason": None}  # type: ignore[return-value]


def _parent_dataset(prompt: dict[str, Any]) -> list[str]:
    """`<A, B>` can only name the same number in the parent's subset."""
    label = prompt["annotator"].removeprefix(LABEL)
    annotation = label if label in ANNOTATIONS else "Origin" if prompt["route"] == "copy" else "Auto"
    pair, _, number = (prompt["parent"] or "").rpartition("_")
    same = pair and number == prompt["data_id"].rpartition("_")[2]
    return [f"<{pair.replace('_', ', ')}>" if same else NEW, annotation]


def _img_id(source: str, pictures: Pictures) -> str:
    start = pictures.get(source)[:4]
    return source + next((suffix for mark, suffix in SUFFIXES.items() if start.startswith(mark)), "")


def write_json(made: Iterable[tuple[Row, str | None]], pictures: Pictures, folder: Path) -> dict[Task, str]:
    """A JSON file per task, and its pictures by img_id; the files by task. Raises TableError."""
    records: dict[Task, list[dict[str, Any]]] = {}
    named: dict[Path, str] = {}
    for row, source in made:
        task = Task(row["task"])
        records.setdefault(task, []).append(written(row))
        if source is not None:
            named[_place(row, folder / split_folder(task), named, source)] = source
    for path, source in named.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pictures.get(source))
    files = {task: f"{SPLITS[task].replace('_', '-')}.json" for task in Task if task in records}
    for task, name in files.items():
        (folder / name).write_text(json.dumps(records[task], indent=4, ensure_ascii=False, allow_nan=False) + "\n", "utf-8")
    return files


def _place(row: Row, folder: Path, named: dict[Path, str], source: str) -> Path:
    img_id = row["img_id"] or ""
    if not inside(img_id):
        raise TableError(
            f"{row['task']} {row['data_id']}: img_id {img_id!r} names no file below a folder; export with --to hf, which needs none"
        )
    if named.get(folder / img_id, source) != source:
        raise TableError(f"{row['task']} {row['data_id']}: img_id {img_id!r} names another row's picture too; export with --to hf")
    return folder / img_id


def write_hf(made: Iterable[tuple[Row, str | None]], pictures: Pictures, folder: Path) -> dict[Task, str]:
    """A parquet file per split, pictures inside; the files by task."""
    by_task: dict[Task, list[tuple[Row, str | None]]] = {}
    for row, source in made:
        by_task.setdefault(Task(row["task"]), []).append((row, source))
    more = [name for name in MORE if any(row["extra" if name == EXTRA else name] for each in by_task.values() for row, _ in each)]  # type: ignore[literal-required]
    schema = _schema((*COLUMNS, *more))
    files = {task: f"data/{SPLITS[task]}-00000-of-00001.parquet" for task in Task if task in by_task}
    (folder / "data").mkdir()
    for task, name in files.items():
        with pq.ParquetWriter(folder / name, schema, compression="zstd") as writer:
            for group in _groups(by_task[task]):
                writer.write_table(pa.Table.from_pylist([_columns(row, source, pictures) for row, source in group], schema))
    return files


def _groups(made: Sequence[tuple[Row, str | None]]) -> Iterator[list[tuple[Row, str | None]]]:
    left = iter(made)
    while group := list(islice(left, GROUP)):
        yield group


def _columns(row: Row, source: str | None, pictures: Pictures) -> dict[str, Any]:
    name = (row["img_id"] or row["data_id"]).rpartition("/")[2]
    return {
        **row,
        "data_id": row["published_id"],
        "dimension_prompt": row["sub_prompts"],
        EXTRA: row["extra"],
        "image": {"bytes": pictures.get(source), "path": name} if source else None,
    }


def columns_of(file: Path) -> list[str]:
    """Columns of a written parquet file."""
    return list(pq.read_schema(file).names)


def _schema(columns: Sequence[str]) -> pa.Schema:
    kinds = {name: IMAGE if name == "image" else pa.list_(pa.string()) if name in LISTS else pa.string() for name in columns}
    told = json.dumps({"info": {"features": features(columns)}})
    return pa.schema(list(kinds.items()), metadata={"huggingface": told})
