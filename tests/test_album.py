"""Lazily loaded images table: streamed pictures equal those of the table read whole."""

from pathlib import Path

import polars as pl
import pytest
from lines import names

from trig import tables
from trig.errors import TableError
from trig.judge.album import Album
from trig.tables.images import IMAGES
from trig.testing import factories


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Three files."""
    images = factories.images(factories.prompts(per_subset=19))
    for (pair,), rows in images.group_by("pair", maintain_order=True):
        tables.write(rows, IMAGES, tmp_path / "t2i" / f"{pair}.parquet")
    return tmp_path


def test_it_is_the_table(folder: Path) -> None:
    whole = tables.read(folder, IMAGES)
    wanted = whole["image"].struct["bytes"].to_list()
    for album in (Album.open(folder), Album([whole]), Album([whole.head(7), whole.tail(-7)])):
        assert album.names.equals(whole.drop("image"))
        assert list(album.pictures(range(whole.height))) == list(enumerate(wanted))
        some = [50, 0, 8, 19, 20, 56]
        assert list(album.pictures(some)) == [(place, wanted[place]) for place in sorted(some)]
    assert list(Album.open(folder).pictures([])) == [] and Album(()).names.is_empty()


def test_a_file_without_a_wanted_picture_is_not_read(folder: Path) -> None:
    album = Album.open(folder)
    first, second, _ = sorted(folder.rglob("*.parquet"))
    for torn in (first, second):
        torn.write_bytes(b"torn")
    assert len(list(album.pictures(range(2 * 19, 3 * 19)))) == 19
    with pytest.raises(TableError, match=names(second, "parquet", "`dvc repro`")):
        list(album.pictures([20, 40]))
    with pytest.raises(TableError, match=names(first, "parquet", "`dvc repro`")):
        Album.open(folder)


def test_what_is_no_images_table_is_one_line(folder: Path, tmp_path: Path) -> None:
    file = next(folder.rglob("*.parquet"))
    images = pl.read_parquet(file)
    images.drop("image").write_parquet(file)
    with pytest.raises(TableError, match=names(file, "'image'", "images", "`dvc repro`")):
        Album.open(folder)
    with pytest.raises(TableError, match=names("images", f"/{file.stem}_", "model, task, data_id, number")):
        Album([images, images])
    with pytest.raises(TableError, match=names(tmp_path / "absent", "images", "`dvc pull`")):
        Album.open(tmp_path / "absent")
