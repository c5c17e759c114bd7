"""Finished pictures from a folder: taken as they are, and whatever is wrong with one is told in its row."""

import json
import re
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from lines import names
from painted import P2P, PAIR, T2I, picture, place, rows

from trig import params
from trig.backends import painters
from trig.errors import TableError, TrigError
from trig.protocols.generator import Order, Row, revisions

ENTRY = {"backend": "folder", "folder": "mine", "needs": "mine", "width": 16, "height": 16}


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of ten pictures, beside the prompts of ten."""
    place(tmp_path, monkeypatch, 10, mine=ENTRY)
    for number in range(1, 11):
        picture(tmp_path / f"mine/{PAIR}_{number}.png", seed=number)
    return tmp_path / "mine"


def test_every_defect_of_a_folder_is_told_apart(mine: Path, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    whole = mine / f"{PAIR}_1.png"
    (mine / f"{PAIR}_2.png").unlink()
    (mine / f"{PAIR}_3.png").write_bytes(whole.read_bytes()[:200])
    picture(mine / f"{PAIR}_4.png", side=24)
    (mine / f"{PAIR}_5.png").rename(mine / f"{PAIR.lower()}_5.PNG")
    picture(mine / f"t2i/{PAIR}/{PAIR}_6.webp")
    picture(tmp_path / "elsewhere.png")
    (mine / f"{PAIR}_7.png").unlink()
    (mine / f"{PAIR}_7.png").symlink_to(tmp_path / "elsewhere.png")
    (mine / f"{PAIR}_8.png").unlink()
    (mine / f"{PAIR}_8.png").symlink_to(mine / "nowhere.png")
    (mine / f"{PAIR}_9.png").rename(mine / f"t2i/{PAIR}_9.png")
    picture(mine / "not asked for.png")
    found = rows(tmp_path, "mine")
    assert {place: row["reason"] for place, row in found.items() if row["status"] == "null"} == {
        "t2i 2": f"the folder holds no '{PAIR}_2.png' (or .jpg, .jpeg, .webp)",
        "t2i 3": f"'{PAIR}_3.png': the picture cannot be decoded (OSError)",
        "t2i 4": f"'{PAIR}_4.png' has 24 × 24 pixels, where the entry says 16 × 16",
        "t2i 5": f"its file is called '{PAIR.lower()}_5.PNG', and case counts; rename it to '{PAIR}_5.png'",
        "t2i 6": f"two files are its picture, '{PAIR}_6.png' and 't2i/{PAIR}/{PAIR}_6.webp'; keep one",
        "t2i 7": f"'{PAIR}_7.png' is a link that leads out of the folder; copy the picture there",
        "t2i 8": f"'{PAIR}_8.png' cannot be read (No such file or directory)",
    }
    assert {place for place, row in found.items() if row["status"] == "ok"} == {"t2i 1", "t2i 9", "t2i 10"}
    assert [record.getMessage() for record in caplog.records] == [
        "params.yaml: models.mine.folder: mine: 1 of it belong to no prompt of this run, the first 'not asked for.png'"
    ]


@pytest.mark.parametrize(("suffix", "how"), [("png", {}), ("jpg", {"quality": 80}), ("jpeg", {}), ("webp", {"lossless": True})])
def test_a_file_is_taken_byte_for_byte(suffix: str, how: dict[str, Any], mine: Path, tmp_path: Path) -> None:
    (mine / f"{PAIR}_1.png").unlink()
    file = picture(mine / f"{PAIR}_1.{suffix}", **how)
    assert rows(tmp_path, "mine")["t2i 1"]["image"]["bytes"] == file


def test_one_changed_file_changes_one_picture(mine: Path, tmp_path: Path) -> None:
    before = rows(tmp_path, "mine")
    changed = picture(mine / f"{PAIR}_3.png", seed=77)
    (mine / f"{PAIR}_4.png").unlink()
    after = rows(tmp_path, "mine")
    assert {place for place in before if before[place]["key"] != after[place]["key"]} == {"t2i 3", "t2i 4"}
    assert after["t2i 3"]["image"]["bytes"] == changed and after["t2i 4"]["status"] == "null"
    picture(mine / f"{PAIR}_4.png", seed=4)
    assert rows(tmp_path, "mine")["t2i 4"] == before["t2i 4"]


def test_tasks_with_the_same_data_ids_have_folders_of_their_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path, monkeypatch, 2, (T2I, P2P), mine=ENTRY)
    files = {f"{task} {number}": f"mine/{task}/{PAIR}_{number}.png" for task in ("t2i", "p2p") for number in (1, 2)}
    made = {of: picture(tmp_path / file, seed=seed) for seed, (of, file) in enumerate(files.items())}
    assert {of: row["image"]["bytes"] for of, row in rows(tmp_path, "mine").items()} == made


def mapped(mine: Path, table: pl.DataFrame, suffix: str) -> None:
    """Writes a mapping table."""
    match suffix:
        case ".csv":
            table.write_csv(mine / "map.csv")
        case ".jsonl":
            table.write_ndjson(mine / "map.jsonl")
        case _:
            table.write_parquet(mine / "map.parquet")


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_a_table_says_which_file_is_whose(
    suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    place(tmp_path, monkeypatch, 7, mine=ENTRY | {"mapping": f"map{suffix}"})
    made = picture(tmp_path / "mine/run 3/00001.jpg")
    picture(tmp_path / "mine/b.png", seed=2)
    named = {1: "./run 3/00001.jpg", 2: "b.png", 4: "absent.png", 5: "../outside.png", 6: "B.png", 99: "b.png"}
    pairs = [*named.items(), (2, "run 3/00001.jpg"), (7, "b.png")]
    mapped(tmp_path / "mine", pl.DataFrame([{"data_id": f"{PAIR}_{number}", "file": file} for number, file in pairs]), suffix)
    found = rows(tmp_path, "mine")
    assert found["t2i 1"]["image"]["bytes"] == made
    assert {place: row["reason"] for place, row in found.items() if row["status"] == "null"} == {
        "t2i 2": f"map{suffix} names two files for it, 'b.png' and 'run 3/00001.jpg'; keep one row",
        "t2i 3": f"map{suffix} names no file for it",
        "t2i 4": "the folder holds no 'absent.png'",
        "t2i 5": f"map{suffix} names '../outside.png', which leads out of the folder",
        "t2i 6": "its file is called 'b.png', and case counts; rename it to 'B.png'",
    }
    assert [record.getMessage() for record in caplog.records] == [
        f"params.yaml: models.mine.mapping: map{suffix}: 1 of it belong to no prompt of this run, the first '{PAIR}_99'"
    ]


def test_a_table_may_name_tasks_and_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path, monkeypatch, 1, mine=ENTRY | {"mapping": "map.csv"})
    for name in "abc":
        picture(tmp_path / f"mine/{name}.png", seed=ord(name))
    (tmp_path / "mine/map.csv").write_text("file,task,data_id,number\na.png,t2i,X_1,0\nb.png,p2p,X_1,0\nc.png,t2i,X_1,1\n", "utf-8")
    of = [Row("t2i", "X", "X_1"), Row("p2p", "X", "X_1"), Row("t2i", "X", "X_1", 1)]
    generator = painters.load(params.load(), "mine")
    made = generator.generate([Order("a", 1, row=row) for row in of])
    assert [getattr(each, "file", None) for each in made] == [(tmp_path / f"mine/{name}.png").read_bytes() for name in "abc"]


def test_seeds_of_a_prompt_are_told_by_a_number(mine: Path) -> None:
    second = picture(mine / f"{PAIR}_1-1.png", seed=50)
    generator = painters.load(params.load(), "mine")
    made = generator.generate([Order("a", 1, row=Row("t2i", PAIR, f"{PAIR}_1", 1))])
    assert getattr(made[0], "file", None) == second


def test_a_file_that_changes_during_a_run_is_no_picture_for_now(mine: Path) -> None:
    generator = painters.load(params.load(), "mine")
    orders = [Order("a", 1, row=Row("t2i", PAIR, f"{PAIR}_1"))]
    assert len(revisions(generator, orders)) == 1
    picture(mine / f"{PAIR}_1.png", seed=51)
    assert not getattr(generator.generate(orders)[0], "final", True)


def test_a_disk_that_fails_for_a_moment_makes_no_null_for_good(mine: Path) -> None:
    generator = painters.load(params.load(), "mine")
    orders = [Order("a", 1, row=Row("t2i", PAIR, f"{PAIR}_1"))]
    assert len(revisions(generator, orders)) == 1
    (mine / f"{PAIR}_1.png").unlink()
    assert not getattr(generator.generate(orders)[0], "final", True)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("data_id,image\nx,y\n", ("'file'", "missing")),
        ("data_id,file,seed\nx,y,1\n", ("'seed'", "unknown")),
        ("data_id,file,number\nx,y,one\n", ("row 1", "'number'", "'one'")),
        ("data_id,file\nx,y\nz,\n", ("row 2", "'file'")),
        ("", ("not a readable table",)),
        (None, ("no such table",)),
    ],
)
def test_a_broken_table_is_one_line(table: str | None, said: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path, monkeypatch, 1, mine=ENTRY | {"mapping": "map.csv"})
    picture(tmp_path / "mine/a.png")
    if table is not None:
        (tmp_path / "mine/map.csv").write_text(table, "utf-8")
    with pytest.raises(TableError, match=names("params.yaml: models.mine.mapping", "map.csv", *said)):
        painters.load(params.load(), "mine")


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"folder": "nowhere", "needs": "nowhere"}, ("models.mine.folder", "nowhere", "dvc pull")),
        ({"folder": "sources", "needs": "sources"}, ("models.mine.folder", "sources", ".png")),
        ({"needs": "sources"}, ("models.mine", "needs", "'sources'", "'mine'")),
        ({"mapping": "../map.csv"}, ("models.mine", "mapping", "'../map.csv'")),
        ({"mapping": "map.xlsx"}, ("models.mine", "mapping", "'map.xlsx'", ".csv")),
        ({"steps": 3}, ("models.mine.steps", "unknown")),
        ({"extends": "tiny"}, ("models.mine.backend", "'folder'", "'diffusers'", "tiny")),
    ],
)
def test_a_mistake_in_the_entry_is_one_line(
    changed: dict[str, Any], said: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place(tmp_path, monkeypatch, 1, mine=ENTRY | changed)
    with pytest.raises(TrigError, match=names("params.yaml", *said)):
        painters.load(params.load(), "mine")


def test_a_folder_is_no_base_of_a_tuned_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(tmp_path, monkeypatch, 1, mine=ENTRY)
    text = (tmp_path / "params.yaml").read_text("utf-8")
    (tmp_path / "params.yaml").write_text(re.sub(r"base: tiny\b", "base: mine", text), "utf-8")
    with pytest.raises(TrigError, match=names("params.yaml", "tunings.tiny-dtm.base", "'mine'", "folder")):
        params.load()


def test_the_stage_that_waits_for_the_folder_notices_a_picture(mine: Path, tmp_path: Path) -> None:
    from stages import zoo

    def told() -> Any:
        zoo.main(zoo.Section.MODELS, "mine", tmp_path / "mine.json")
        return json.loads((tmp_path / "mine.json").read_text("utf-8"))

    before = told()
    assert before["entry"]["folder"] == before["needs"] == "mine"
    picture(mine / f"{PAIR}_1.png", seed=52)
    assert told()["revision"] != before["revision"]
