"""`trig score`: a picture, a folder, a table; every row has a score or a reason."""

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import polars as pl
import pytest
from lines import names

from trig import files, params
from trig.backends import judges
from trig.cli.score import score
from trig.errors import FileError, PictureError, TableError
from trig.judge.album import Album
from trig.judge.ask import answer
from trig.judge.byhand import COLUMNS, Rater
from trig.judge.run import Painted, calls, scores
from trig.judge.samples import Sample, samples
from trig.protocols.judge import Answer, Labels, Question
from trig.protocols.refusal import Refusal
from trig.store import Store
from trig.tables.prompts import numbered, split
from trig.testing import factories
from trig.testing.glib import Glib
from trig.vocabulary.dimensions import Dimension, Pair, Task


@pytest.fixture(autouse=True)
def _own_store(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path_factory.mktemp("root")))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in range(3):
        (tmp_path / f"{number}.png").write_bytes(factories.png(number, 64, 64))
        (tmp_path / f"{number}.txt").write_text(f"a ball {number}\n", "utf-8")
    return tmp_path


def test_a_folder_is_scored_with_the_prompts_beside_its_pictures(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    score(folder, codes=["TA-C", "IQ-R"], as_json=True)
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert [(Path(row["image"]).name, row["prompt"], row["dimension"]) for row in rows] == [
        (f"{number}.png", f"a ball {number}", code) for number in range(3) for code in ("TA-C", "IQ-R")
    ]
    score(folder / "1.png", prompt="a ball 1", codes=["IQ-R"], as_json=True, fresh=True)
    alone = json.loads(capsys.readouterr().out)
    assert alone["expected"] == pytest.approx(rows[3]["expected"], abs=1e-5)


def test_a_table_becomes_a_table(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, out = folder / "asked.csv", folder / "scores.csv"
    table.write_text(
        "image,prompt,task,source\n0.png,a ball,,\n1.png,a red ball in a meadow,t2i,\n2.png,a box,t2i,\ntorn.png,x,t2i,\n", "utf-8"
    )
    (folder / "torn.png").write_bytes(b"torn")
    score(table, out=out)
    told = capsys.readouterr()
    assert "40 scores are in" in told.out and "10 of 40 have no score; the first:" in told.err
    rows = pl.read_csv(out)
    assert rows["dimension"].to_list() == [each.value for each in Dimension] * 4
    sent = ["max_pixels", "reference_image", "judged_width", "judged_height"]
    settings = params.load().judge
    assert rows.select(sent).unique(maintain_order=True).rows() == [
        (settings.max_pixels, settings.reference_image, *size) for size in ((64, 64), (None, None))
    ]
    grades = [f"p_{grade}" for grade in params.load().judge.scale.grades]
    good = rows.filter(pl.col("reason").is_null())
    assert good.height == 30 and good.select(pl.sum_horizontal(grades)).to_series().to_list() == pytest.approx([1] * 30)
    score(table, out=folder / "scores.parquet")
    assert pl.read_parquet_schema(folder / "scores.parquet") == COLUMNS


def test_a_run_that_was_stopped_goes_on_where_it_was(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(Glib):
        def ask(self, questions: Iterable[Question], labels: Labels) -> Iterator[tuple[int, Answer | Refusal]]:
            for place, said in super().ask(questions, labels):
                if place == 13:
                    raise KeyboardInterrupt
                yield place, said

    tables = [folder / f"{name}.parquet" for name in ("stopped", "resumed", "fresh")]
    judges_of = [Stopped(), Glib(), Glib()]
    opened = iter(judges_of)
    monkeypatch.setattr(judges, "load", lambda *_: next(opened))
    with pytest.raises(KeyboardInterrupt):
        score(folder, out=tables[0])
    score(folder, out=tables[1])
    score(folder, out=tables[2], fresh=True)
    assert [len(judge.asked) for judge in judges_of] == [14, 30 - 13, 30]
    assert not tables[0].exists() and tables[1].read_bytes() == tables[2].read_bytes()


def test_what_the_pipeline_asked_is_known_and_the_other_way_round(tmp_path: Path) -> None:
    settings, glib = params.load().judge, Glib()
    prompts = split(factories.prompts([(Task.P2P, Pair.parse("IQ-R_TA-C"))]), "test")
    images = factories.images(prompts)
    drawings, found = factories.Drawings(), list[Sample]()
    painted = Painted(numbered(prompts, 1), drawings, Album([images]))
    for prompt, source, image in zip(prompts["prompt"], prompts["source"], images["image"].struct["bytes"], strict=True):
        files = tmp_path / f"{len(found)}.png", tmp_path / f"{len(found)}-source.png"
        for file, content in zip(files, (image, drawings.get(source)), strict=True):
            file.write_bytes(content)
        found.append(Sample(files[0], prompt, Task.P2P, files[1]))
    with Store.open(tmp_path) as store:
        rater = Rater(glib, settings, store)
        list(answer(calls(painted, glib.revision, settings), painted, glib, store, settings))
        assert len(glib.asked) == 8
        both = rater.score(found, (Dimension.REALISM, Dimension.CONTENT))
        assert len(glib.asked) == 8 and both["reason"].null_count() == 8
        table = scores(calls(painted, glib.revision, settings), store, glib.revision, settings)
        shared = [name for name in COLUMNS if name in table.columns]
        assert both.select(shared).rows() == table.select(shared).rows()
        assert set(COLUMNS) - set(shared) == {"image", "prompt", "grades"} and both.width == 24
        assert all(both.schema[name] in (table.schema[name], pl.String) for name in shared)
        rater.score(found)
        assert len(glib.asked) == 40
        every = settings.model_copy(update={"dimensions": "all"})
        steps = list(answer(calls(painted, glib.revision, every), painted, glib, store, every))
        assert len(glib.asked) == 40 and steps[-1].reused == 40


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("picture,prompt\n0.png,x\n", ("'image'", "missing")),
        ("image,prompt,task\n0.png,x,t2v\n", ("row 1", "task", "'t2v'", "t2i", "p2p", "s2p")),
        ("image,prompt\n0.png,x\n1.png,\n", ("row 2", "'prompt'", "empty")),
        ("image,prompt\nnone.png,x\n", ("none.png",)),
    ],
)
def test_a_bad_table_is_one_line(text: str, why: Sequence[str], folder: Path) -> None:
    (folder / "asked.csv").write_text(text, "utf-8")
    with pytest.raises((TableError, PictureError), match=names(folder, *why)):
        score(folder / "asked.csv")


def test_a_picture_without_a_prompt_and_a_folder_without_a_picture_are_one_line(folder: Path) -> None:
    (folder / "1.txt").unlink()
    with pytest.raises(PictureError, match=names(folder / "1.png", "--prompt", "1.txt")):
        score(folder)
    (folder / "empty").mkdir()
    with pytest.raises(PictureError, match=names(folder / "empty", "no picture")):
        score(folder / "empty")
    (folder / "1.txt").write_bytes("ein Bär".encode("latin-1"))
    with pytest.raises(PictureError, match=names(folder / "1.txt", "UTF-8")):
        score(folder)


@pytest.mark.parametrize(
    ("out", "why"),
    [
        ("scores.xlsx", (".csv", ".parquet")),
        ("nope/scores.csv", ("no folder", "nope")),
        ("0.txt/scores.csv", ("no folder", "0.txt")),
        ("folder.csv", ("is a folder",)),
    ],
)
def test_where_no_scores_can_be_written_nothing_is_asked(
    out: str, why: Sequence[str], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "folder.csv").mkdir()
    monkeypatch.setattr(judges, "load", lambda *_: pytest.fail("a judge was loaded"))
    with pytest.raises(TableError, match=names("--out", Path(out).name, *why)):
        score(folder, out=folder / out)


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_scores_that_cannot_be_written_are_one_line_and_their_answers_are_kept(
    kind: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = Glib()
    monkeypatch.setattr(judges, "load", lambda *_: asked)
    blocked = folder / f".scores.{kind}.{os.getpid()}.part"
    blocked.mkdir()
    with pytest.raises(TableError, match=names("--out", f"scores.{kind}", "written")):
        score(folder, out=folder / f"scores.{kind}")
    blocked.rmdir()
    score(folder, out=folder / f"scores.{kind}")
    assert len(asked.asked) == 30


INPUTS = Path(__file__).parent / "inputs"


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (INPUTS / "tables" / "semicolons.csv", ("separated", "';'")),
        (b"image\tprompt\n0.png\tx\n", ("separated", "a tab")),
        (b"image|prompt\n0.png|x\n", ("separated", "'|'")),
        ("image,prompt\n0.png,x\n".encode("utf-16"), ("UTF-16", "UTF-8")),
        ("image,prompt\n0.png,x\n".encode("utf-16-le"), ("UTF-16", "UTF-8")),
        ("image,prompt\n0.png,ein Bär\n".encode("latin-1"), ("line 2", "0xe4", "UTF-8")),
        (INPUTS / "tables" / "header-only.csv", ("no rows",)),
        (b'"image";"prompt"\n"0.png";"x"\n', ("separated", "';'")),
        (b"Image;Prompt\n0.png;x\n", ("separated", "';'")),
        (b"sep=;\nimage;prompt\n0.png;x\n", ("line 1", "'sep=;'")),
        (b"image, prompt\n0.png, x\n", ("'prompt'", "' prompt'")),
        (b"image,Prompt\n0.png,x\n", ("'prompt'", "'Prompt'")),
        ("image,prompt\n0.png,\u200b\n".encode(), ("row 1", "'prompt'")),
        (b"", ("empty", "image,prompt")),
        (b'image,prompt\n0.png,"a ball\n', ("line 2", "CSV")),
        (b"image,prompt\n0.png,a ball, red\n", ("line 2", "3 fields", "2 columns")),
        (b"image,prompt\n0.png\n", ("row 1", "'prompt'")),
        (b"image,prompt,prompt\n0.png,x,y\n", ("'prompt'", "twice")),
    ],
    ids=[
        "semicolons",
        "tabs",
        "bars",
        "UTF-16",
        "UTF-16 without a mark",
        "Latin-1",
        "header only",
        "semicolons and quotes",
        "semicolons and capital letters",
        "a line for spreadsheets",
        "a blank in a name",
        "a capital letter in a name",
        "a prompt without a width",
        "empty",
        "an open quote",
        "a field too many",
        "a field too few",
        "a column twice",
    ],
)
@pytest.mark.parametrize("out", [None, "scores.csv"])
def test_a_table_of_another_make_is_one_line_that_says_which(
    content: Path | bytes, why: Sequence[str], out: str | None, folder: Path
) -> None:
    (folder / "asked.csv").write_bytes(content if isinstance(content, bytes) else content.read_bytes())
    with pytest.raises(TableError, match=names(folder / "asked.csv", *why)) as failed:
        score(folder / "asked.csv", out=folder / out if out else None)
    assert len(str(failed.value).splitlines()) == 1


@pytest.mark.parametrize("name", ["asked.tsv", "asked.jsonl", "asked.XLSX"])
def test_a_table_of_a_kind_that_is_not_read_is_no_picture(name: str, folder: Path) -> None:
    (folder / name).write_bytes(b"image\tprompt\n")
    with pytest.raises(TableError, match=names(folder / name, "CSV", "Parquet")):
        score(folder / name)


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "blank"),
        (b"\xef\xbb\xbf\n", "blank"),
        ("\u200b\ufeff".encode(), "blank"),
        ("a ball".encode("utf-16-le"), "UTF-8"),
        ("a ball".encode("utf-16"), "UTF-8"),
    ],
)
def test_a_text_beside_a_picture_that_is_no_prompt_is_one_line(content: bytes, why: str, folder: Path) -> None:
    (folder / "0.txt").write_bytes(content)
    with pytest.raises(PictureError, match=names(folder / "0.txt", why)):
        score(folder / "0.png")
    with pytest.raises(PictureError, match=names("--prompt", "blank")):
        score(folder / "0.png", prompt=" ")


def test_many_pictures_are_found_in_one_walk_and_what_is_hidden_and_closed_keeps_nobody(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def walk(place: Path, hidden: bool = False) -> list[Path]:
        if hidden:
            raise FileError(f"{place / '.Trash'}: this folder cannot be read")
        return files.walk(place)

    monkeypatch.setattr("trig.judge.samples.walk", walk)
    assert len(samples(folder, "a ball")) == 3


def test_a_parquet_table_without_rows_is_one_line(folder: Path) -> None:
    pl.DataFrame(schema={"image": pl.String, "prompt": pl.String}).write_parquet(folder / "asked.parquet")
    with pytest.raises(TableError, match=names(folder / "asked.parquet", "no rows")):
        score(folder / "asked.parquet", out=folder / "scores.csv")


def test_a_byte_order_mark_is_no_part_of_a_prompt(folder: Path) -> None:
    one, other = samples(INPUTS / "texts", None)
    assert one.prompt == other.prompt and one.image.read_bytes() == other.image.read_bytes()
    (folder / "asked.csv").write_bytes(b"\xef\xbb\xbfimage,prompt\r\n0.png,a ball\r\n")
    assert samples(folder / "asked.csv", None) == [Sample(folder / "0.png", "a ball")]


def test_what_a_folder_walk_passes_over_is_counted_and_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / ".ipynb_checkpoints").mkdir()
    for name in ("._0.png", ".ipynb_checkpoints/1.png", "moving.gif", "photo.HEIC", "notes.md"):
        (folder / name).write_bytes(b"no picture")
    (folder / "album.png").mkdir()
    score(folder, codes=["TA-C"], as_json=True)
    told = capsys.readouterr()
    assert len(told.out.splitlines()) == 3
    assert (
        told.err == f"{folder}: pictures that are passed over: 2 hidden, ._0.png first; 2 of formats that are not read, moving.gif first\n"
    )


def test_pictures_behind_a_link_to_a_folder_are_read_and_a_link_to_nothing_is_named(
    folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    shelf = tmp_path_factory.mktemp("shelf")
    (shelf / "far.png").write_bytes(factories.png(7, 64, 64))
    (folder / "shelf").symlink_to(shelf)
    (shelf / "back").symlink_to(folder)  # a loop
    assert Path("shelf/far.png") in {each.image.relative_to(folder) for each in samples(folder, "a ball")}
    (folder / "gone.png").symlink_to(folder / "nowhere.png")
    with pytest.raises(PictureError, match=names(folder / "gone.png")):
        score(folder, prompt="a ball", codes=["TA-C"])


def test_a_name_that_no_table_can_hold_is_one_line(folder: Path) -> None:
    file = folder / os.fsdecode(b"b\xe4r.png")
    file.write_bytes(factories.png(1, 64, 64))
    with pytest.raises(PictureError, match=names(file, "UTF-8")):
        samples(folder, "a ball")
