"""Pictures are kept once: shards are the store, and what is there is neither made nor read nor written again."""

import os
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
from lines import names

from trig import generate, params, tables
from trig.backends.executors.local import Local
from trig.cli.store import _sweep
from trig.errors import PictureError
from trig.generate.kept import Kept
from trig.generate.plan import plan
from trig.protocols.generator import Order, Picture
from trig.protocols.refusal import Refusal
from trig.store import Progress, Store
from trig.tables import pictures
from trig.tables.images import IMAGES
from trig.tables.prompts import split
from trig.tables.sources import Library
from trig.testing import factories

PROMPTS = split(factories.prompts(per_subset=7), "test")


class Drawer:
    """Draws noise by the seed, and by the batch, as a model does to its last bits; stops after so many batches."""

    revision, engine = "drawer", "drawer 1"

    def __init__(self, most: int = 1000) -> None:
        self.most, self.batches = most, list[list[str]]()

    def generate(self, orders: Sequence[Order]) -> list[Picture | Refusal]:
        if len(self.batches) == self.most:
            raise KeyboardInterrupt
        self.batches.append([order.prompt for order in orders])
        return [Picture(factories.png(order.seed % 1000 + len(orders), 16, 16), 7, 5) for order in orders]

    @property
    def drawn(self) -> int:
        return sum(map(len, self.batches))


def run(root: Path, drawer: Drawer, wanted: pl.DataFrame = PROMPTS, seeds: int = 1, size: int = 4) -> Progress:
    settings = params.load()
    settings = settings.model_copy(update={"generate": settings.generate.model_copy(update={"batch_size": size})})
    with Store.open(root / "work") as store:
        planned = plan(wanted, drawer, 42, seeds)
        return list(generate.shards(planned, Library(), "tiny", settings, drawer, Local(drawer), store, root / "images"))[-1]


def contents(root: Path) -> dict[str, bytes]:
    return {str(file.relative_to(root / "images")): file.read_bytes() for file in tables.shards(root / "images")}


def files(root: Path, kind: str) -> list[Path]:
    return sorted((root / "work" / "pictures" / kind).rglob("*.parquet"))


@pytest.fixture
def done(tmp_path: Path) -> Path:
    run(tmp_path, Drawer())
    return tmp_path


def test_a_picture_lies_on_the_disk_once(done: Path) -> None:
    assert {file.stat().st_ino for file in files(done, "shards")} == {file.stat().st_ino for file in tables.shards(done / "images")}
    assert files(done, "packs") == [] and list((done / "work").rglob("*.json")) == []
    assert tables.read(done / "images", IMAGES).height == PROMPTS.height


def test_what_is_there_is_not_read(done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def opened(*_: object) -> None:
        raise AssertionError("a picture was read")

    before = {file.name: file.stat().st_ino for file in tables.shards(done / "images")}
    monkeypatch.setattr(pictures, "_opened", opened)
    again = Drawer()
    assert run(done, again) == Progress(PROMPTS["key"].n_unique(), PROMPTS["key"].n_unique(), 0, 0) and not again.batches
    assert {file.name: file.stat().st_ino for file in tables.shards(done / "images")} == before


def test_there_and_back_draws_nothing(done: Path) -> None:
    before, one = contents(done), pl.col("data_id") == PROMPTS["data_id"][0]
    run(done, Drawer(), PROMPTS.with_columns(key=pl.when(one).then(pl.lit("0" * 32)).otherwise("key")))
    assert contents(done) != before
    again = Drawer()
    run(done, again)
    assert contents(done) == before and not again.batches


@pytest.mark.parametrize("batches", [1, 2, 4])
def test_a_run_that_was_stopped_forms_the_same_batches_and_ends_with_the_same_bytes(batches: int, done: Path, tmp_path: Path) -> None:
    root = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        run(root, Drawer(batches))
    rest = Drawer()
    assert run(root, rest).reused == 4 * batches
    assert contents(root) == contents(done) and rest.drawn == PROMPTS["key"].n_unique() - 4 * batches


def test_what_a_stopped_run_left_half_written_is_removed(done: Path) -> None:
    for kind in ("packs", "shards"):
        folder = done / "work" / "pictures" / kind / "tiny"
        (folder / ".half.parquet.1.part").write_bytes(b"half")
    (done / "work/pictures/packs/tiny/orphan.parquet").write_bytes(files(done, "shards")[0].read_bytes())
    run(done, Drawer())
    assert sorted(file for file in (done / "work" / "pictures").rglob("*") if file.is_file()) == files(done, "shards")


@pytest.mark.parametrize("harm", ["a flipped byte", "cut short", "gone"])
def test_a_damaged_picture_is_made_again_and_the_others_are_not(harm: str, done: Path) -> None:
    shard, before = files(done, "shards")[0], contents(done)
    held = shard.read_bytes()
    shard.unlink()
    place = held.index(b"IDAT") + 20
    if harm != "gone":
        shard.write_bytes(held[:place] + bytes([held[place] ^ 1]) + held[place + 1 :] if harm == "a flipped byte" else held[:place])
    again = Drawer()
    lost = 1 if harm == "a flipped byte" else 7
    assert run(done, again).computed == lost and {len(batch) for batch in again.batches} == {4}
    assert contents(done) == before


@pytest.mark.parametrize("gone", [1, 3])
def test_a_lost_picture_is_made_in_a_batch_of_its_size_though_the_prompts_of_others_are_gone(gone: int, tmp_path: Path) -> None:
    run(tmp_path, Drawer(), PROMPTS.head(4))
    (shard,) = files(tmp_path, "shards")
    before = tables.read(tmp_path / "images", IMAGES)
    shard.unlink()
    again = Drawer()
    run(tmp_path, again, PROMPTS.slice(gone, 4 - gone))
    assert [len(batch) for batch in again.batches] == [4]
    assert tables.read(tmp_path / "images", IMAGES)["digest"].equals(before["digest"].slice(gone))


def test_a_picture_that_came_later_is_made_again_as_it_was(tmp_path: Path) -> None:
    run(tmp_path, Drawer(), PROMPTS.head(5))
    run(tmp_path, Drawer(), PROMPTS.head(7))
    before = contents(tmp_path)
    for shard in files(tmp_path, "shards"):
        shard.unlink()
    again = Drawer()
    run(tmp_path, again, PROMPTS.head(7))
    assert contents(tmp_path) == before and sorted(len(batch) for batch in again.batches) == [1, 2, 4]


@pytest.mark.parametrize("size", [1, 4])
def test_a_damaged_picture_of_a_stopped_run_is_made_again(size: int, tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path, Drawer(1), PROMPTS.head(7), size=size)
    (pack,) = files(tmp_path, "packs")
    held = pack.read_bytes()
    place = held.index(b"IDAT") + 20
    pack.write_bytes(held[:place] + bytes([held[place] ^ 1]) + held[place + 1 :])
    run(tmp_path, Drawer(), PROMPTS.head(7), size=size)
    assert tables.read(tmp_path / "images", IMAGES)["image"].null_count() == 0


def test_a_shard_with_a_picture_that_may_yet_come_lies_on_the_disk_once_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual, first = Drawer.generate, PROMPTS["prompt"][0]

    def busy(self: Drawer, orders: Sequence[Order]) -> list[Picture | Refusal]:
        return [Refusal("busy") if order.prompt == first else one for order, one in zip(orders, usual(self, orders), strict=True)]

    with monkeypatch.context() as patched:
        patched.setattr(Drawer, "generate", busy)
        assert run(tmp_path, Drawer()).refused == 1
    assert files(tmp_path, "packs") == [] and tables.read(tmp_path / "images", IMAGES)["reason"].drop_nulls().to_list() == ["busy"]
    assert {file.stat().st_ino for file in files(tmp_path, "shards")} == {file.stat().st_ino for file in tables.shards(tmp_path / "images")}
    again = Drawer()
    assert run(tmp_path, again).computed == 1 and again.drawn == 1
    assert tables.read(tmp_path / "images", IMAGES)["reason"].null_count() == PROMPTS.height


def test_a_disk_that_damages_all_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def torn(_: Kept, key: str) -> None:
        raise PictureError(key)

    monkeypatch.setattr(Kept, "given", torn)
    with pytest.raises(PictureError, match=names(tmp_path / "work/pictures", "disk")):
        run(tmp_path, Drawer())


def test_seeds_of_a_prompt_are_rows_with_a_number(tmp_path: Path, done: Path) -> None:
    root = tmp_path / "three"
    run(root, Drawer(), seeds=3)
    images, single = tables.read(root / "images", IMAGES), tables.read(done / "images", IMAGES)
    assert images.height == 3 * PROMPTS.height and images["seed"].n_unique() == 3 * single["seed"].n_unique()
    first = images.filter(pl.col("number") == 0)
    assert first.select("data_id", "seed", "key").equals(single.select("data_id", "seed", "key"))
    names = set(images.select("data_id", pl.col("image").struct.field("path"), "number").iter_rows())
    assert names == {(name, f"{name}{f'-{number}' if number else ''}.png", number) for name in PROMPTS["data_id"] for number in range(3)}


def test_pictures_of_a_prompt_in_two_subsets_are_made_once(tmp_path: Path) -> None:
    same = PROMPTS.with_columns(key=pl.col("data_id").str.extract(r"_(\d+)$"))
    drawer = Drawer()
    run(tmp_path, drawer, same)
    assert drawer.drawn == same["key"].n_unique() == 7
    assert tables.read(tmp_path / "images", IMAGES)["digest"].n_unique() == 7


def test_what_cannot_be_decoded_is_no_picture(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Drawer, "generate", lambda _, orders: [Picture(b"GIF89a", None, None) for _ in orders])
    run(tmp_path, Drawer())
    found = tables.read(tmp_path / "images", IMAGES)
    assert set(found["status"]) == {"null"} and found["reason"].str.contains("cannot be decoded").all()


def test_pruning_removes_the_files_that_the_index_forgot(done: Path) -> None:
    with Store.open(done / "work") as store:
        assert _sweep(store) == 0
        store.prune(0)
        assert _sweep(store) == 3
    assert files(done, "shards") == [] and len(contents(done)) == 3


def test_where_no_link_can_be_made_a_shard_is_copied(tmp_path: Path, done: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(18, "Invalid cross-device link")

    monkeypatch.setattr(os, "link", refused)
    run(tmp_path / "other", Drawer())
    assert contents(tmp_path / "other") == contents(done)
