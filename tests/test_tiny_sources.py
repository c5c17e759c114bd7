"""Source pictures of the tiny world."""

from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import workplace
from PIL import Image
from typer.testing import CliRunner

from tinyworld.render import draw
from tinyworld.scene import COLOURS, STYLES, THINGS, Scene, Thing
from tinyworld.words import vocabulary
from trig import tables
from trig.cli.main import app
from trig.tables.sources import SOURCES, Library


def sources(folder: Path, *options: str) -> pl.DataFrame:
    ran = CliRunner().invoke(app, ["tiny", "sources", str(folder), *options], catch_exceptions=False)
    assert ran.exit_code == 0, ran.output
    return tables.read(folder, SOURCES)


def test_the_shipped_pictures_are_what_the_command_draws(tmp_path: Path) -> None:
    for name, options in (("tiny", ()), ("general", ("--edits", "150", "--subjects", "120", "--side", "128"))):
        made = sources(tmp_path / name, *options)
        assert made.equals(tables.read(workplace.ROOT / "material" / name / "sources", SOURCES)), name


def test_equal_options_give_equal_bytes_and_another_seed_other_pictures(tmp_path: Path) -> None:
    options = ("--edits", "6", "--subjects", "6")
    one, same, other = (sources(tmp_path / name, *options, "--seed", seed) for name, seed in (("a", "1"), ("b", "1"), ("c", "2")))
    files = [{file.name: file.read_bytes() for file in (tmp_path / name).iterdir()} for name in "ab"]
    assert one.equals(same) and files[0] == files[1]
    assert set(one.filter(pl.col("item").is_null())["source"]).isdisjoint(other["source"])


def test_pictures_are_described_in_words_the_painter_knows(tmp_path: Path) -> None:
    made = sources(tmp_path / "all", "--edits", "90", "--subjects", "120")
    edits, subjects = (made.filter(pl.col("item").is_null() == to_edit) for to_edit in (True, False))
    assert set(subjects["item"]) == {f"{colour} {kind}" for colour in COLOURS for kind in THINGS}
    assert subjects["subject"].to_list() == [f"the {item}" for item in subjects["item"]]
    assert subjects["other"].null_count() == 120 and subjects["description"].str.starts_with("a photo of ").all()
    assert edits["description"].n_unique() == 90 and 20 < edits["other"].null_count() < 60
    assert all(word in vocabulary() for row in made["description"] for word in row.split())
    library = Library(tmp_path / "all")
    for row in made.head(5).iter_rows(named=True):
        assert Image.open(BytesIO(library.get(row["source"]) or b"")).size == (64, 64)


def test_few_subjects_cover_all_kinds_and_colours(tmp_path: Path) -> None:
    words = [item.split() for item in sources(tmp_path / "few", "--edits", "0", "--subjects", "15")["item"]]
    assert {kind for _, kind in words} == set(THINGS)
    assert {colour for colour, _ in words} == set(COLOURS)


@pytest.mark.parametrize("style", STYLES)
def test_a_larger_picture_shows_the_same(style: str) -> None:
    scene = Scene(style, "meadow", (Thing("car", "red"),))
    small, large = draw(scene), draw(scene, 128)
    assert large.shape == (128, 128, 3)
    shrunk = large.reshape(64, 2, 64, 2, 3).mean((1, 3))
    assert np.abs(shrunk - small).mean() < 4


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["taken"], "taken: it holds notes.txt, which is no shard of sources and would be lost; name a new folder"),
        (["taken/notes.txt"], "taken/notes.txt: this is a file; name a folder"),
        (["new", "--side", "100"], "--side: 100: pixel art has 16 blocks a side; take a multiple of 16"),
        (["new", "--edits", "0", "--subjects", "0"], "--edits and --subjects are both 0: nothing would be drawn; ask for a picture"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_lost(options: list[str], said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "notes.txt").write_text("mine", "utf-8")
    ran = CliRunner().invoke(app, ["tiny", "sources", *options])
    assert str(ran.exception) == said
    assert (tmp_path / "taken" / "notes.txt").read_text("utf-8") == "mine" and not (tmp_path / "new").exists()
