"""`trig score`: a picture, a folder, a table; every row has a score or says why not."""

import json
from pathlib import Path

import factories
import polars as pl
import pytest

from trig import params
from trig.cli_score import score
from trig.dimensions import Dimension
from trig.errors import PictureError, TableError


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
    score(folder / "1.png", prompt="a ball 1", codes=["IQ-R"], as_json=True)
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
    grades = [f"p_{grade}" for grade in params.load().judge.scale.grades]
    good = rows.filter(pl.col("reason").is_null())
    assert good.height == 30 and good.select(pl.sum_horizontal(grades)).to_series().to_list() == pytest.approx([1] * 30)
    score(table, out=folder / "scores.parquet")
    assert pl.read_parquet(folder / "scores.parquet").height == 40


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("picture,prompt\n0.png,x\n", "column 'image' is missing"),
        ("image,prompt,task\n0.png,x,t2v\n", "row 1: task 't2v' is unknown; choose one of t2i, p2p, s2p"),
        ("image,prompt\n0.png,x\n1.png,\n", "row 2: column 'prompt' is empty"),
        ("image,prompt\nnone.png,x\n", "none.png: there is no such file"),
    ],
)
def test_a_bad_table_is_one_line(text: str, why: str, folder: Path) -> None:
    (folder / "asked.csv").write_text(text, "utf-8")
    with pytest.raises((TableError, PictureError), match=why):
        score(folder / "asked.csv")


def test_a_picture_without_a_prompt_and_a_folder_without_a_picture_are_one_line(folder: Path) -> None:
    (folder / "1.txt").unlink()
    with pytest.raises(PictureError, match=r"1.png: its prompt is not known; give --prompt, or write it to 1.txt beside it"):
        score(folder)
    (folder / "empty").mkdir()
    with pytest.raises(PictureError, match="there is no picture here"):
        score(folder / "empty")
    with pytest.raises(TableError, match=r"must end in \.csv or \.parquet"):
        score(folder, out=folder / "scores.xlsx")
