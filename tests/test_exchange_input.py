"""Bad input to an import or an export: one line, or a row that is refused with its reason and kept."""

import json
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from exchanged import P2P, S2P, T2I, done, published, refused, rows, taken, trig
from lines import names

from trig import tables
from trig.annotate.imported import about, load
from trig.errors import TableError, TrigError
from trig.exchange import LFS
from trig.tables.published import PUBLISHED
from trig.testing.factories import png


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="module")
def folder(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return taken(files, tmp_path_factory.mktemp("imported") / "trig-bench")


def changed(**fields: object) -> Callable[[], object]:
    return lambda: [T2I[1], T2I[0] | fields]


def without(name: str) -> Callable[[], object]:
    return lambda: [{field: value for field, value in T2I[0].items() if field != name}]


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (without("prompt"), "row 1: prompt: missing"),
        (without("dimension"), "row 1: dimensions: missing"),
        (without("parent_dataset"), "row 1: parent_dataset: missing"),
        (without("dimension_prompt"), "row 1: dimension_prompt: missing"),
        (changed(dimension=["IQ-R", "D-M"]), "row 2: dimension: dimension: 'D-M' is unknown; choose one of IQ-R"),
        (changed(dimension=["IQ-R", "IQ-R"]), "row 2: dimension: t2i has no subset IQ-R_IQ-R"),
        (changed(data_id="D-A_R-T_1", dimension=["D-A", "R-T"]), "row 2: dimension: t2i has no subset D-A_R-T"),
        (changed(dimension="IQ-R_TA-R"), "row 2: dimension: 'IQ-R_TA-R' is no list of two texts"),
        (changed(dimension=["IQ-R", "TA-C"]), "row 2: data_id: 'IQ-R_TA-R_1' does not go with dimension IQ-R and TA-C"),
        (changed(data_id="IQ-R_TA-R_01"), "row 2: data_id: 'IQ-R_TA-R_01' does not go with"),
        (changed(data_id="IQ-R_TA-R_1/../x"), "row 2: data_id: 'IQ-R_TA-R_1/../x' does not go with"),
        (changed(data_id="TA-R_IQ-R_4"), "row 2: data_id: TA-R_IQ-R_4 stands for the same t2i row as IQ-R_TA-R_4; rename one"),
        (changed(prompt=7), "row 2: prompt: 7 is no text"),
        (changed(prompt="\ud800"), "row 2: prompt: '\\ud800' holds half a character"),
        (
            changed(parent_dataset=["COCO", "Robot"]),
            "row 2: parent_dataset: annotation 'Robot' is unknown; choose one of Origin, Auto, Human",
        ),
        (changed(parent_dataset=["<IQ-R, D-M>", "Auto"]), "row 2: parent_dataset: '<IQ-R, D-M>': dimension: 'D-M' is unknown"),
        (changed(parent_dataset=["<TA-R, IQ-R>", "Auto"]), "t2i IQ-R_TA-R_1: parent_dataset: '<TA-R, IQ-R>' leads back to it"),
        (lambda: {"rows": T2I}, "holds dict and must hold a list of records"),
        (lambda: ["x"], "row 1: not a record but str"),
        (list, "no row can be taken: the files are empty"),
        (lambda: [P2P[0]], "the p2p rows need their pictures; name the folder by --images p2p=FOLDER"),
        (lambda: [S2P[0] | {"item": 3}], "row 1: item: 3 is no text"),
    ],
)
def test_a_malformed_record_is_one_line(made: Callable[[], object], said: str, tmp_path: Path) -> None:
    (tmp_path / "rows.json").write_text(json.dumps(made()), "utf-8")
    refused(tmp_path / "rows.json", said, tmp_path)


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("rows.json", b"{", "rows.json: not JSON (Expecting"),
        ("rows.json", b"\xff\xfe[", "rows.json: not JSON ('utf-8' codec"),
        ("rows.json", b"[NaN]", "rows.json: not JSON (NaN is no JSON number)"),
        ("rows.json", b"[" * 100_000, "rows.json: not JSON ("),
        (
            "rows.json",
            LFS + b"v1\noid sha256:0\nsize 9\n",
            "rows.json: a Git LFS pointer, which stands for the file; fetch it with `git lfs pull`",
        ),
        ("rows.parquet", LFS + b"v1\n", "rows.parquet: a Git LFS pointer"),
        ("t2i.text_to_image.parquet", b"PAR1", "not a readable parquet file"),
        ("rows.csv", b"a,b", "rows.csv: .csv: not a published format"),
        ("rows.json", json.dumps([T2I[0]])[:-2].encode() + b', "x": [1e999]}]', "row 1: ['x']: Out of range float"),
        ("rows.json", json.dumps([T2I[0] | {"x": {"y": "\ud800"}}]).encode(), "row 1: ['x']: 'utf-8' codec can't encode"),
        (
            "rows.json",
            json.dumps([T2I[0]])[:-2].encode() + b', "x": ' + b"[" * 500 + b"]" * 500 + b"}]",
            "row 1: it is nested more than 100 deep",
        ),
        (
            "rows.json",
            json.dumps([T2I[0]])[:-2].encode() + b', "prompt": ' + b"[" * 900 + b"]" * 900 + b"}]",
            "row 1: it is nested more than",
        ),
    ],
)
def test_an_unreadable_file_is_one_line(name: str, content: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, said, tmp_path)


HUB = {name: value for name, value in T2I[0].items() if name != "dimension"} | {"dimensions": T2I[0]["dimension"]}


@pytest.mark.parametrize(
    ("more", "said"),
    [
        *(
            ({"extra_fields": text}, "row 1: extra_fields: no text")
            for text in ("5", "[1]", '"s"', "null", "[" * 100_000, '{"a": NaN}', "{", {"a": 1}, 5, [1])
        ),
        ({"extra_fields": '{"a": 1e999}'}, "row 1: ['a']: Out of range float"),
        ({"extra_fields": '{"prompt": "another"}'}, "row 1: extra_fields: 'prompt' has a column of its own"),
        ({"extra_fields": json.dumps({"a": {"b": "\ud800"}})}, "row 1: ['a']: 'utf-8' codec"),
        ({"grade": float("nan")}, "row 1: ['grade']: Out of range float"),
        ({"grades": [1.0, float("inf")]}, "row 1: ['grades']: Out of range float"),
        ({"blob": b"x"}, "row 1: ['blob']: Object of type bytes"),
    ],
)
def test_a_parquet_row_that_json_cannot_hold_is_one_line(more: dict[str, object], said: str, tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pylist([HUB | more]), tmp_path / "text_to_image.parquet")
    refused(tmp_path / "text_to_image.parquet", said, tmp_path)


@pytest.mark.parametrize("to", ["json", "hf"])
@pytest.mark.parametrize(
    "record",
    [
        T2I[0] | {"dimensions": ["a"]},
        T2I[0] | {"dimensions": T2I[0]["dimension"][::-1], "image": {"bytes": None, "path": "x"}},
        T2I[0] | {"image": "https://example.org/lake.jpg"},
        T2I[0] | {"image": None, "extra_fields": '{"prompt": "x"}', "item": 5, "text": None},
        T2I[0] | {"reason": "r", "task": "p2p", "published_id": "z", "sub_prompts": 3, "extra": "e"},
        T2I[0] | {"deep": json.loads("[" * 90 + "]" * 90)},
        P2P[0] | {"dimension": "R-T"},
        P2P[0] | {"dimension": P2P[0]["dimensions"], "image": ["a", 1.5]},
        S2P[0] | {"dimension": None, "image": 7},
    ],
)
def test_a_round_trip_loses_nothing(record: dict[str, object], to: str, tmp_path: Path) -> None:
    name = "subject_driven" if "item" in record and "dimensions" in record and record["img_id"] == "kettle.png" else None
    name = name or ("image_editing" if record["data_id"] == P2P[0]["data_id"] else "text_to_image")
    published(tmp_path)
    (tmp_path / f"{name}.json").write_text(json.dumps([record]), "utf-8")
    folders = ("--images", f"p2p={tmp_path / 'edits'}", "--images", f"s2p={tmp_path / 'subjects'}") if name != "text_to_image" else ()
    done("import", "trig-bench", tmp_path / f"{name}.json", "--out", tmp_path / "first", *folders)
    done("export", tmp_path / "first", "--to", to, "--out", tmp_path / to)
    done("import", "trig-bench", tmp_path / to, "--out", tmp_path / "second")
    done("export", tmp_path / "second", "--to", "json", "--out", tmp_path / "last")
    (file,) = (tmp_path / "last").glob("*.json")
    assert json.loads(file.read_text("utf-8")) == [record]


def test_an_address_in_the_column_of_pictures_stays(tmp_path: Path) -> None:
    pl.DataFrame([HUB | {"image": "https://example.org/lake.jpg"}]).write_parquet(tmp_path / "text_to_image.parquet")
    done("import", "trig-bench", tmp_path / "text_to_image.parquet", "--out", tmp_path / "out")
    (extra,) = tables.read(tmp_path / "out/published.parquet", PUBLISHED)["extra"].to_list()
    assert json.loads(extra) == {"image": "https://example.org/lake.jpg"}


def test_files_that_are_not_there(tmp_path: Path) -> None:
    refused(tmp_path / "absent.json", "absent.json: there is no such file", tmp_path)
    refused(tmp_path, "no file here has a split's name", tmp_path)
    pl.DataFrame({"data_id": ["a"], "item": [None]}).write_parquet(tmp_path / "rows.parquet")
    refused(tmp_path / "rows.parquet", "write t2i=, p2p= or s2p= before it", tmp_path)
    refused(f"t2i={tmp_path / 'rows.parquet'}", "row 1: dimensions: missing", tmp_path)
    refused(tmp_path / "rows.parquet", "--images absent: there is no such folder", tmp_path, "--images", "absent")
    with pytest.raises(TableError, match=names(tmp_path / "material.yaml", "No such file")):
        load(tmp_path)


def test_what_is_there_is_not_overwritten(files: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out/kept.txt").write_text("kept", "utf-8")
    failed = trig("import", "trig-bench", files / "text-to-image-new.json", "--out", tmp_path / "out")
    assert "something is there already" in str(failed.exception)
    assert [path.name for path in tmp_path.rglob("*")] == ["out", "kept.txt"]


@pytest.mark.parametrize(
    ("picture", "img_id", "reason"),
    [
        (png()[:-40], "a.png", "the picture cannot be decoded (OSError)"),
        (b"text", "a.png", "the picture cannot be decoded (UnidentifiedImageError)"),
        (LFS + b"v1\n", "a.png", "its picture is a Git LFS pointer; fetch it with `git lfs pull`"),
        (png(), "../a.png", "its img_id names no file below the folder of pictures"),
        (png(), "/a.png", "its img_id names no file below the folder of pictures"),
        (png(), ["dog", "dog"], "its img_id names no file below the folder of pictures"),
        (png(), "a" * 300, "its picture cannot be read (File name too long)"),
        (png(), "b.png", "its picture is not in the folder of pictures"),
        (png(), "two.png", "two folders hold different pictures of its name"),
    ],
)
def test_a_picture_that_cannot_be_used_rejects_its_row(picture: bytes, img_id: object, reason: str, tmp_path: Path) -> None:
    for number, folder in enumerate(("one", "other")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "two.png").write_bytes(png(number))
    (tmp_path / "one/a.png").write_bytes(picture)
    (tmp_path / "one/sound.png").write_bytes(png(5))
    (tmp_path / "edits.json").write_text(json.dumps([P2P[0] | {"img_id": "sound.png"}, P2P[1] | {"img_id": img_id}]), "utf-8")
    folders = ("--images", tmp_path / "one", "--images", tmp_path / "other")
    said = done("import", "trig-bench", tmp_path / "edits.json", "--out", tmp_path / "out", *folders)
    assert f"rows without a prompt: 1 × {reason}" in said
    assert list(rows(tmp_path / "out")) == ["IQ-O_D-K_1"]
    refused_row = tables.read(tmp_path / "out/published.parquet", PUBLISHED).row(1, named=True)
    assert refused_row["reason"] == reason and refused_row["prompt"] == P2P[1]["prompt"]
    (tmp_path / "edits.json").write_text(json.dumps([P2P[1] | {"img_id": img_id}]), "utf-8")
    failed = trig("import", "trig-bench", tmp_path / "edits.json", "--out", tmp_path / "none", *folders)
    assert str(failed.exception).startswith(f"no row can be taken: 1 × {reason}")


def test_a_photo_beside_a_caption_is_no_source(tmp_path: Path) -> None:
    """The hub's text-to-image rows may hold the photo that a caption belongs to."""
    record = {name: value for name, value in T2I[0].items() if name != "dimension"} | {"dimensions": T2I[0]["dimension"], "item": None}
    pl.DataFrame([record | {"image": {"bytes": b"no picture", "path": "lake_01.jpg"}}]).write_parquet(tmp_path / "text_to_image-0.parquet")
    (tmp_path / "dataset_infos.json").write_text("{}", "utf-8")
    said = done("import", "trig-bench", tmp_path, "--out", tmp_path / "out")
    assert "files whose name tells no task, and which were not read: 1, dataset_infos.json first" in said
    assert not (tmp_path / "out/sources").exists() and rows(tmp_path / "out")["IQ-R_TA-R_1"]["caption"] == "lake_01.jpg"
    assert tables.read(tmp_path / "out/published.parquet", PUBLISHED)["img_id"].to_list() == ["lake_01.jpg"]


def test_json_lines_and_a_byte_order_mark(tmp_path: Path) -> None:
    lines = "\n".join(json.dumps(row, ensure_ascii=False) for row in T2I[:2])
    (tmp_path / "rows.jsonl").write_text(f"\ufeff{lines}\n\n", "utf-8")
    done("import", "trig-bench", tmp_path / "rows.jsonl", "--language", "de", "--out", tmp_path / "out")
    assert list(rows(tmp_path / "out")) == ["IQ-R_TA-R_1", "IQ-R_TA-R_4"] and about(tmp_path / "out").language == "de"


def test_a_missing_source_is_one_line(folder: Path, tmp_path: Path) -> None:
    failed = trig("export", folder, "--to", "hf", "--sources", tmp_path, "--out", tmp_path / "out")
    assert isinstance(failed.exception, TrigError) and len(str(failed.exception).splitlines()) == 1
    for name in ("material.yaml", "prompts.parquet"):
        (tmp_path / name).write_bytes((folder / name).read_bytes())
    with pytest.raises(TableError, match=names(tmp_path / "sources", 5, "p2p IQ-O_D-K_1")):
        load(tmp_path)


@pytest.mark.parametrize(("name", "said"), [("hub:data", "write hub:owner/name@revision"), ("hub:some/data@v1", "it cannot be fetched (")])
def test_without_a_hub_there_is_one_line(name: str, said: str, tmp_path: Path) -> None:
    refused(name, said, tmp_path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("name: general\nlanguage: en\nlicence: MIT\norigin: ours\n", "kind: not imported; name a folder that `trig import` wrote"),
        ("kind: imported\nname: x\nlanguage: en\norigin: ours\n", "licence: field required"),
        ("kind: [", "not readable as YAML: line 2"),
        ("kind", "input should be a valid dictionary"),
    ],
)
def test_a_folder_that_is_no_import_is_one_line(text: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "material.yaml").write_text(text, "utf-8")
    with pytest.raises(TableError) as failed:
        load(tmp_path)
    assert said in str(failed.value) and len(str(failed.value).splitlines()) == 1
