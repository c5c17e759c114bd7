"""Pictures: whether their bytes have the hashes that their rows name, and whether they come again from their seeds."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from trig.errors import TableError
from trig.generate.plan import plan
from trig.generate.prompted import prompted
from trig.generate.shards import made
from trig.judge.album import Album
from trig.params import Params
from trig.pictures import UNREADABLE, pixels
from trig.protocols.generator import Executor, Generator, Order, Picture, Row
from trig.protocols.refusal import Refusal
from trig.provenance.checked import Checked, named
from trig.provenance.places import Places
from trig.tables.made import noted
from trig.tables.prompts import scoped, split
from trig.tables.sources import Library, digest

SEED = ("task", "data_id", "number")
FINE, COARSE = 2.0, 8.0
"""Mean absolute difference of two paintings of one seed, in 255ths, in float32 and in shorter numbers: batches and processors round otherwise."""
Show = Callable[[str, Iterator[tuple[int, int]]], object]


class Pictures:
    """The images table of a model beside the plan of its pictures."""

    def __init__(self, model: str, settings: Params, places: Places, prompts: pl.DataFrame, generator: Generator) -> None:
        self.model, self.settings, self.generator, self.folder = model, settings, generator, places.images(model)
        self.library = Library(places.sources)
        entry, seeds = settings.model(model), settings.generate.seeds_per_prompt
        asked = prompted(split(scoped(prompts, entry.scope), "test"), entry, seeds)
        self.planned = plan(asked, generator, settings.seed, seeds)
        self.album = Album.open(self.folder)
        self.rows = self.planned.join(self.album.names.with_row_index("index"), on=SEED, how="left", suffix="_there", maintain_order="left")

    @property
    def known(self) -> bool:
        """Whether any row has the key that is planned here."""
        return self.rows.select((pl.col("key_there") == pl.col("image_key")).any()).item() is True

    def table(self, row: dict[str, object]) -> Path:
        """The file of a row."""
        return self.folder / str(row["task"]) / f"{row['pair']}.parquet"

    def name(self, row: dict[str, object]) -> str:
        """A row by its key."""
        return named([row[name] for name in SEED])

    def dtype(self) -> str:
        """The numbers that the model computes in."""
        return str(getattr(self.settings.model(self.model), "dtype", "float32"))


def keys(pictures: Pictures, found: Checked) -> None:
    """Compare the key and the seed of every row with those that its prompt and the weights here give, and each shard's note with the plan."""
    for row in pictures.rows.iter_rows(named=True):
        if row["index"] is None:
            found.wrong(pictures.table(row), pictures.name(row), "it has no row")
        elif row["seed_there"] != row["seed"]:
            found.wrong(
                pictures.table(row), pictures.name(row), f"seed: {row['seed_there']} stands there, and the prompt's is {row['seed']}"
            )
        elif row["key_there"] != row["image_key"]:
            found.wrong(
                pictures.table(row), pictures.name(row), "key: it is of another prompt, other weights or other settings of its model"
            )
    known = pictures.planned.select(SEED)
    for row in pictures.album.names.join(known, on=SEED, how="anti", maintain_order="left").iter_rows(named=True):
        found.wrong(pictures.table(row), pictures.name(row), "no prompt asks for it")
    for part in pictures.planned.partition_by("task", "pair", maintain_order=True):
        file = pictures.table(part.row(0, named=True))
        note = noted(file) if file.is_file() else None
        if note and note.made and note.made != made(part, pictures.generator.revision):
            found.wrong(file, "", "it was made from other prompts, weights or settings than are here; `dvc repro` makes it anew")


def digests(pictures: Pictures, wanted: Sequence[int], found: Checked, show: Show) -> None:
    """Hash the bytes of these pictures."""
    chosen = pictures.rows[list(wanted)].filter(pl.col("index").is_not_null())
    rows = {row["index"]: row for row in chosen.iter_rows(named=True)}

    def look() -> Iterator[tuple[int, int]]:
        try:
            for number, (index, file) in enumerate(pictures.album.pictures(rows), 1):
                if (file and digest(file)) != (row := rows[index])["digest"]:
                    found.wrong(pictures.table(row), pictures.name(row), f"picture: its bytes are not those of its digest {row['digest']}")
                yield number, len(rows)
        except TableError as error:
            found.wrong(pictures.folder, "", str(error))

    show(f"hash {pictures.model}", look())
    found.rows, found.of = found.rows + len(rows), found.of + pictures.rows.height


def repaint(pictures: Pictures, wanted: Sequence[int], executor: Executor, found: Checked, show: Show) -> None:
    """Paint these pictures again and compare pixels."""
    chosen = pictures.rows[list(wanted)].filter(pl.col("index").is_not_null() & (pl.col("status") == "ok"))
    rows = chosen.unique("image_key", keep="first", maintain_order=True).to_dicts()
    size = pictures.settings.generate.batch_size
    batches = [rows[start : start + size] for start in range(0, len(rows), size)]
    limit = FINE if pictures.dtype() == "float32" else COARSE
    same = chosen.select("image_key", "index").group_by("image_key").agg("index")
    places: dict[str, list[int]] = dict(same.iter_rows())
    of = {row["index"]: row for row in chosen.iter_rows(named=True)}

    def look() -> Iterator[tuple[int, int]]:
        done = 0
        for number, painted in executor.paint([_order(pictures, row) for row in batch] for batch in batches):
            fresh = {index: each for row, each in zip(batches[number], painted, strict=True) for index in places[row["image_key"]]}
            for index, file in pictures.album.pictures(fresh):
                if what := _differs(file, fresh[index], limit):
                    found.wrong(pictures.table(of[index]), pictures.name(of[index]), what)
            done += len(fresh)
            yield done, chosen.height

    show(f"paint {pictures.model}", look())
    found.rows, found.of = found.rows + chosen.height, found.of + pictures.rows.height


def _order(pictures: Pictures, row: dict[str, Any]) -> Order:
    place = Row(row["task"], row["pair"], row["data_id"], row["number"])
    return Order(row["prompt"], row["seed"], pictures.library.get(row["source"]), place)


def _differs(file: bytes | None, again: Picture | Refusal, limit: float) -> str | None:
    """What is other about a picture; None where it is within the limit."""
    if isinstance(again, Refusal):
        return f"picture: the model gives none now: {again.reason}"
    try:
        there, fresh = (np.asarray(pixels(each), np.float64) for each in (file or b"", again.file))
    except UNREADABLE as error:
        return f"picture: it cannot be decoded ({str(error).splitlines()[0]})"
    if there.shape != fresh.shape:
        return f"picture: {there.shape[1]} × {there.shape[0]} pixels, and its seed gives {fresh.shape[1]} × {fresh.shape[0]}"
    apart = float(np.abs(there - fresh).mean())
    return None if apart <= limit else f"picture: its seed gives another, {apart:.1f} 255ths away on average; {limit:g} is rounding"


def sources(places: Places, found: Checked) -> None:
    """Hash every source picture."""
    library = Library(places.sources)
    for name in library.names:
        found.rows, found.of = found.rows + 1, found.of + 1
        try:
            library.get(name)
        except TableError:
            found.wrong(places.sources, name, "picture: its bytes are not those of its name")
