"""Source pictures: folders, parquet files and shards; broken and undescribed ones are told, and a vision model describes the rest."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from annotating import Fake, consume
from lines import names

from trig import params
from trig.annotate import pictures
from trig.annotate.asked import Desk
from trig.annotate.benchmark import benchmark
from trig.annotate.material import Material
from trig.annotate.scribe import Scribe
from trig.annotate.shapes import Recovered, Seen, Shown, Written
from trig.errors import FileError, TableError
from trig.protocols.annotator import Ask
from trig.protocols.refusal import Refusal
from trig.store import Store
from trig.tables.sources import Library, digest, told, write
from trig.testing import factories
from trig.vocabulary.dimensions import Dimension

TINY = Path("material/tiny")
NOTES = """
a.png: {subject: the red ball, other: the blue box, place: on a beach, licence: CC0, origin: mine}
deep/b.png: {subject: the green car, item: green car}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two pictures, and what they show."""
    place = tmp_path / "own"
    (place / "deep").mkdir(parents=True)
    (place / "a.png").write_bytes(factories.png(1, 32, 32))
    (place / "deep/b.png").write_bytes(factories.png(2, 32, 16))
    (place / "sources.yaml").write_text(NOTES, "utf-8")
    return place


def test_a_folder_of_pictures_with_what_they_show(folder: Path) -> None:
    (folder / "deep/copy.png").write_bytes(factories.png(2, 32, 16))
    found = pictures.given(folder)
    assert not found.broken
    assert found.rows.select("source", "subject", "other", "place", "item", "licence", "width", "height").rows() == [
        (digest(factories.png(1, 32, 32)), "the red ball", "the blue box", "on a beach", None, "CC0", 32, 32),
        (digest(factories.png(2, 32, 16)), "the green car", None, None, "green car", "not said", 32, 16),
    ]


def test_a_broken_picture_is_told_and_stops_nothing(folder: Path) -> None:
    (folder / "c.png").write_bytes(factories.png(3)[:60])
    (folder / "d.jpg").write_bytes(b"")
    found = pictures.given(folder)
    assert found.rows.height == 2 and set(found.broken) == {"c.png", "d.jpg"}
    assert all("cannot be decoded" in reason for reason in found.broken.values())


@pytest.mark.parametrize(
    ("notes", "said"),
    [
        (NOTES + "z.png: {subject: a cat}\n", ("sources.yaml", "z.png", "no such picture")),
        (NOTES + "../a.png: {subject: a cat}\n", ("sources.yaml", "../a.png", "no such picture")),
        (NOTES.replace("the red ball", "'<b>ball</b>'"), ("sources.yaml", "a.png.subject", "markup")),
        (NOTES.replace("the red ball", "' '"), ("sources.yaml", "a.png.subject", "blank")),
        (NOTES.replace("other:", "colour:"), ("sources.yaml", "a.png.colour")),
        ("[", ("sources.yaml", "YAML")),
    ],
)
def test_notes_that_cannot_be_meant_are_one_line(notes: str, said: tuple[str, ...], folder: Path) -> None:
    (folder / "sources.yaml").write_text(notes, "utf-8")
    with pytest.raises(TableError) as error:
        pictures.given(folder)
    assert "\n" not in str(error.value)
    for each in said:
        assert each in str(error.value)


def test_places_without_pictures_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=names(tmp_path / "absent", "annotate.sources")):
        pictures.given(tmp_path / "absent")
    with pytest.raises(TableError, match=names(f"{tmp_path}: ", ".png, .jpg, .jpeg, .webp", "parquet")):
        pictures.given(tmp_path)
    (tmp_path / "t.parquet").write_bytes(b"no table")
    with pytest.raises(TableError, match=names(tmp_path / "t.parquet", "parquet")):
        pictures.given(tmp_path / "t.parquet")
    pl.DataFrame({"picture": [b""]}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(TableError, match=names(tmp_path / "t.parquet", "'image'", "picture")):
        pictures.given(tmp_path / "t.parquet")
    pl.DataFrame({"image": [{"bytes": None, "path": "a.png"}]}).write_parquet(tmp_path / "t.parquet")
    with pytest.raises(TableError, match=names(tmp_path / "t.parquet", "image", "row 0")):
        pictures.given(tmp_path / "t.parquet")


def test_a_parquet_file_as_the_hub_has_it(tmp_path: Path) -> None:
    files = [factories.png(n, 32, 32) for n in range(3)]
    images = [{"bytes": file, "path": "../x.png"} for file in files]
    frame = pl.DataFrame(
        {"image": images, "item": ["red cup", "", None], "description": ["a red cup", "a street", None], "other column": [1, 2, 3]}
    )
    frame.write_parquet(tmp_path / "train.parquet")
    found = pictures.given(tmp_path / "train.parquet").rows
    assert found["source"].to_list() == [digest(file) for file in files]
    assert found["item"].to_list() == ["red cup", None, None] and found["subject"].null_count() == 3


def test_shards_are_read_back_a_picture_at_a_time(folder: Path, tmp_path: Path) -> None:
    found = pictures.given(folder)
    write(found.rows, tmp_path / "shards", found.reader.get)
    assert pictures.given(tmp_path / "shards").rows.sort("source").equals(found.rows.sort("source"))
    library = Library(tmp_path / "shards")
    for source, file in ((digest(file), file) for file in (factories.png(1, 32, 32), factories.png(2, 32, 16))):
        assert library.get(source) == found.reader.get(source) == file and source in library
    assert library.get(None) is None
    with pytest.raises(TableError, match=names(tmp_path / "shards", "0" * 32, "`dvc pull`")):
        library.get("0" * 32)


def settings(**changes: object) -> Any:
    base = {"tasks": ["p2p", "s2p"], "per_subset": 2, "train_per_subset": 0, "max_tokens": 60}
    return params.load().annotate.model_copy(update=base | changes)


def test_pictures_that_nobody_described_are_one_line(folder: Path) -> None:
    (folder / "sources.yaml").unlink()
    with pytest.raises(TableError, match=names(folder, "2 of 2", folder / "sources.yaml", "annotate.annotator")):
        benchmark(folder=TINY, sources=folder, review=Path("data/review"), settings=settings(), seed=1, hire=None, show=consume)


def test_a_vision_model_describes_pictures_and_names_the_unfit(folder: Path) -> None:
    (folder / "sources.yaml").unlink()
    for number in range(4, 20):
        (folder / f"{number}.png").write_bytes(factories.png(number, 32, 32))
    unfit = factories.png(5, 32, 32)

    def reply(ask: Ask) -> Any:
        if ask.shape is Seen:
            (file,) = ask.images
            told: dict[str, Any] = {"subject": "the old boat", "other": None, "place": None, "item": "old boat", "description": "A boat."}
            return Seen(**told, fit=file != unfit, unfit_reason="a collage" if file == unfit else None)
        if ask.shape is Written:
            words = ask.text[-9:].encode().hex() if "Spanish" not in ask.text else ""
            wrong = hash(words) % 5 == 0
            return Written(
                prompt="Píntalo de rojo y pon una casa vieja junto a la orilla del río"
                if wrong
                else f"put the old boat beside a jetty {words}"
            )
        if ask.shape is Shown:
            return Shown(first=True, second=True)
        codes = list(Dimension)
        return Refusal("down") if ask.shape is not Recovered else Recovered(first=codes[0], second=codes[4])

    fake = Fake(reply)

    def hire(material: Material, read: Any) -> Scribe:
        return Scribe(material, Desk(fake, Store.passing(), consume, 0, 0, read), "custom", 60, {})

    made = benchmark(TINY, folder, Path("data/review"), settings(), 1, hire, consume)
    assert made.unusable == {digest(unfit): "p2p: unfit: a collage; s2p: unfit: a collage"}
    assert digest(unfit) not in set(made.sources["source"])
    assert set(made.sources["subject"]) == {"the old boat"}
    assert set(made.prompts["pair"].cast(pl.String)) == {"IQ-R_TA-R"}, "only what was recovered is accepted"
    reasons = dict(made.rejected.group_by(pl.col("check").cast(pl.String)).agg(pl.col("reason").first()).iter_rows())
    assert reasons["language"].startswith("reads as") or "language" in reasons["language"]
    assert reasons["recovered"] == "read as IQ-R and TA-R"


def shard(place: Path, **changed: Any) -> Path:
    """A shard of two sources, the first one changed."""
    place.mkdir(parents=True, exist_ok=True)
    files = [factories.png(1, 32, 32), factories.png(2, 32, 16)]
    told = {"tasks": ["p2p"], "width": 1, "height": 1, "subject": "a cat", "other": None, "place": "", "item": None, "description": None}
    rows = [
        {"source": digest(file), "image": {"bytes": file, "path": "a.png"}, **told, "origin": "mine", "licence": "CC0"} for file in files
    ]
    pl.DataFrame([rows[0] | changed, rows[1]], strict=False).write_parquet(place / "0.parquet")
    return place


@pytest.mark.parametrize(
    ("file", "source", "said"),
    [
        (b"not a picture", None, "another hash"),
        (b"not a picture", digest(b"not a picture"), "cannot be decoded"),
        (factories.png(3), None, "another hash"),
        (b"", digest(b""), "cannot be decoded"),
    ],
)
def test_a_broken_picture_of_a_shard_is_told_as_one_of_a_folder(file: bytes, source: str | None, said: str, tmp_path: Path) -> None:
    own = {"source": source} if source else {}
    found = pictures.given(shard(tmp_path / "s", image={"bytes": file, "path": "a.png"}, **own))
    assert list(found.broken) == ["0.parquet-0"] and said in found.broken["0.parquet-0"]
    assert found.rows.select("source", "width", "height").rows() == [(digest(factories.png(2, 32, 16)), 32, 16)], (
        "sizes are the pictures' own"
    )


@pytest.mark.parametrize("name", ["loose.png", "deep/loose.JPG", "sources.yaml"])
def test_what_lies_beside_shards_is_told(name: str, tmp_path: Path) -> None:
    place = shard(tmp_path / "s")
    (place / name).parent.mkdir(exist_ok=True)
    (place / name).write_bytes(factories.png(5))
    found = pictures.given(place)
    assert found.rows.height == 2 and list(found.broken) == [name] and "beside shards" in found.broken[name]


def test_a_parquet_file_among_pictures_is_told(folder: Path) -> None:
    pl.DataFrame({"image": [factories.png(7)]}).write_parquet(folder / "more.parquet")
    found = pictures.given(folder)
    assert found.rows.height == 2 and list(found.broken) == ["more.parquet"]


def test_a_link_to_nothing_is_a_broken_picture(folder: Path) -> None:
    (folder / "x.png").symlink_to(folder / "nothing.png")
    (folder / "loop.webp").symlink_to(folder / "loop.webp")
    found = pictures.given(folder)
    assert found.rows.height == 2 and set(found.broken) == {"x.png", "loop.webp"}
    assert all("cannot be read" in reason for reason in found.broken.values())


@pytest.mark.parametrize("whole", [True, False])
@pytest.mark.parametrize(
    ("column", "value"), [("subject", "a cat "), ("item", "<b>cat</b>"), ("other", 5), ("description", "one\ntwo"), ("licence", "a\u202eb")]
)
def test_texts_of_a_parquet_file_are_as_untrusted_as_notes(column: str, value: object, whole: bool, tmp_path: Path) -> None:
    place = shard(tmp_path / "s", **{column: value})
    if isinstance(value, int):
        frame = pl.read_parquet(place / "0.parquet").with_columns(pl.lit(value).alias(column))
        frame.write_parquet(place / "0.parquet")
    if not whole:
        pl.read_parquet(place / "0.parquet").drop("source").write_parquet(place / "0.parquet")
        place /= "0.parquet"
    with pytest.raises(TableError, match=names(tmp_path / "s/0.parquet", "row 0", column, value if isinstance(value, int) else "")):
        pictures.given(place)


@pytest.mark.parametrize(("name", "said"), [("anim.gif", "not read"), (".a.png", "hidden"), ("none.gif", "no such picture")])
def test_a_note_of_a_file_that_is_not_read_says_so(name: str, said: str, folder: Path) -> None:
    if said != "no such picture":
        (folder / name).write_bytes(b"GIF89a")
    (folder / "sources.yaml").write_text(f"{NOTES}{name}: {{subject: a cat}}\n", "utf-8")
    with pytest.raises(TableError, match=names(folder / "sources.yaml", name)) as told:
        pictures.given(folder)
    assert said in str(told.value)


@pytest.mark.parametrize("other", ["notes.txt", "deep/.hidden", "prompts.parquet", "half.parquet"])
def test_a_folder_with_anything_but_shards_is_not_replaced(other: str, tmp_path: Path) -> None:
    place = shard(tmp_path / "s")
    rows = pictures.given(place).rows
    (place / other).parent.mkdir(exist_ok=True)
    pl.DataFrame({"prompt": ["mine"]}).write_parquet(place / other)
    if other == "half.parquet":
        (place / other).write_bytes(b"PAR1")
    before = sorted(place.rglob("*"))
    with pytest.raises(FileError, match=names(place, other)):
        write(rows, place)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(FileError, match=names(tmp_path / "file")):
        write(rows, tmp_path / "file")
    assert sorted(place.rglob("*")) == before and (tmp_path / "file").read_text() == "mine"


def test_new_shards_replace_the_old_ones_and_are_never_written_into_them(tmp_path: Path) -> None:
    found = pictures.given(shard(tmp_path / "old"))
    rows, read = found.rows, found.reader.get
    write(rows, tmp_path / "out", read)
    (tmp_path / "cache").mkdir()
    kept = tmp_path / "cache" / min(file.name for file in (tmp_path / "out").iterdir())
    kept.hardlink_to(tmp_path / "out" / kept.name)
    before = kept.read_bytes()
    write(rows.head(0), tmp_path / "out")
    assert not list((tmp_path / "out").iterdir()) and kept.read_bytes() == before
    write(rows, tmp_path / "out", read)
    assert pictures.given(tmp_path / "out").rows.sort("source").equals(rows.sort("source"))


@pytest.mark.parametrize("order", [range(100), reversed(range(100)), (5, 99, 4, 31, 32, 0)], ids=["as found", "backwards", "any"])
def test_pictures_of_a_table_are_read_again_in_any_order(order: Iterable[int], tmp_path: Path) -> None:
    files = [factories.png(number, 8, 8) for number in range(100)]
    pl.DataFrame({"image": [{"bytes": file, "path": None} for file in files]}).write_parquet(tmp_path / "one.parquet")
    reader = pictures.given(tmp_path / "one.parquet").reader
    assert all(reader.get(digest(files[number])) == files[number] for number in order)
    assert reader.get("0" * 32) is None


@pytest.mark.parametrize("change", [lambda file: file.unlink(), lambda file: file.write_bytes(b"another")], ids=["removed", "changed"])
def test_a_picture_that_changes_while_it_is_read_is_one_line(change: Callable[[Path], object], folder: Path, tmp_path: Path) -> None:
    found = pictures.given(folder)
    change(folder / "a.png")
    with pytest.raises(TableError, match=names(folder / "a.png", "changed or removed")):
        write(found.rows, tmp_path / "shards", found.reader.get)
    assert not (tmp_path / "shards").exists()


def test_rows_are_told_without_reading_pictures(tmp_path: Path) -> None:
    found = pictures.given(shard(tmp_path / "s"))
    write(found.rows, tmp_path / "out", found.reader.get)
    assert told(tmp_path / "out").sort("source").equals(found.rows.sort("source"))
