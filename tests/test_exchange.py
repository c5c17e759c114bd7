"""The published formats: what an import makes of them, that a round trip loses nothing, and what bad input gets."""

import json
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from exchanged import HOSTILE, LEFT_OUT, P2P, S2P, T2I, done, own, published, rows, taken
from markdown_it import MarkdownIt
from polars.testing import assert_frame_equal

from benchmarks import exchange
from trig import tables
from trig.annotate.imported import about, load
from trig.exchange import hub
from trig.exchange.exporting import COLUMNS
from trig.tables import funnel
from trig.tables.funnel import Credit, Funnel
from trig.tables.prompts import PROMPTS
from trig.tables.published import PUBLISHED
from trig.tables.rejected import CHECKS
from trig.tables.sources import SOURCES, Library, digest
from trig.testing.factories import png
from trig.testing.project import Project


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return published(tmp_path_factory.mktemp("published"))


@pytest.fixture(scope="module")
def folder(files: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return taken(files, tmp_path_factory.mktemp("imported") / "trig-bench")


@pytest.fixture(scope="module", params=["json", "hf"])
def exported(request: pytest.FixtureRequest, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("exported") / str(request.param)
    done("export", folder, "--to", request.param, "--out", out)
    return out


def test_pairs_are_put_into_canonical_order_and_keep_their_published_id(folder: Path) -> None:
    row = rows(folder)["IQ-R_R-T_3"]
    assert (row["pair"], row["sub_prompts"]) == ("IQ-R_R-T", ["like a photo", "a warning sign"])
    kept = tables.read(folder / "published.parquet", PUBLISHED).row(by_predicate=pl.col("data_id") == "IQ-R_R-T_3", named=True)
    assert (kept["published_id"], kept["dimensions"], kept["sub_prompts"]) == (
        "R-T_IQ-R_3",
        ["R-T", "IQ-R"],
        ["a warning sign", "like a photo"],
    )
    assert (kept["target_group"], kept["text"]) == ("none", "Nobody said it.")


def test_copies_and_edits_have_their_parents(folder: Path) -> None:
    found = rows(folder)
    assert {name: (found[name]["route"], found[name]["parent"], found[name]["caption"]) for name in list(found)[:7]} == {
        "IQ-R_TA-R_1": ("combine", None, "lake_01.jpg"),
        "IQ-R_TA-R_4": ("expand", None, "IQ-R_TA-R_4"),
        "IQ-A_TA-R_1": ("copy", "IQ-R_TA-R_1", "lake_01.jpg"),
        "IQ-A_TA-R_4": ("refine", "IQ-R_TA-R_4", "IQ-R_TA-R_4"),
        "TA-R_TA-S_1": ("combine", "IQ-R_TA-R_1", "lake_01.jpg"),
        "TA-S_R-B_7": ("combine", "IQ-R_R-B_7", "IQ-R_R-B_7"),
        "IQ-R_TA-S_2": ("combine", None, "mill.jpg"),
    }
    assert {row["annotator"] for row in found.values()} == {"published: Origin", "published: Auto", "published: Human"}


def test_an_import_is_a_material(folder: Path, files: Path) -> None:
    prompts, sources = load(folder)
    assert about(folder).model_dump() == {
        "name": "trig-bench",
        "kind": "imported",
        "language": "en",
        "licence": "CC BY 4.0",
        "origin": "TRIG benchmark as published (arXiv 2507.22100): text-to-image-new.json, p2p_all.json, subject_driven.json",
    }
    assert set(prompts["split"]) == {"test"} and prompts["key"].n_unique() == prompts.height - 1  # one copy
    library, found = Library(sources), rows(folder)
    assert library.get(found["IQ-O_D-K_2"]["source"]) == (files / "edits/hall.png").read_bytes()
    assert library.get(found["TA-C_TA-S_2"]["source"]) == (files / "subjects/hall.png").read_bytes()
    pictures = tables.read(sources, SOURCES)
    assert sorted(pictures["item"].drop_nulls()) == sorted(["kettle", HOSTILE]) and pictures.height == 4
    assert (found["TA-C_TA-S_1"]["item"], found["IQ-O_D-K_1"]["item"]) == ("kettle", None)


def test_a_row_without_its_picture_is_counted_and_kept(folder: Path, files: Path, tmp_path: Path) -> None:
    kept = tables.read(folder / "published.parquet", PUBLISHED).filter(pl.col("reason").is_not_null())
    assert kept.select("published_id", "reason").rows() == [(LEFT_OUT[0], "its picture is not in the folder of pictures")]
    assert "IQ-R_R-T_3" in rows(folder) and "TA-C_R-T_3" not in rows(folder)
    said = done("import", "trig-bench", files / "p2p_all.json", "--images", files / "edits", "--out", tmp_path / "x")
    assert "rows without a prompt: 1 × its picture is not in the folder of pictures" in said
    assert "the licence is unknown" in said and "x: 3 p2p prompts, 2 source pictures\n" in said


def test_an_export_of_an_import_equals_the_published_json(folder: Path, tmp_path: Path) -> None:
    done("export", folder, "--to", "json", "--out", tmp_path / "out")
    for name, wanted in (("text-to-image", T2I), ("image-editing", P2P), ("subject-driven", S2P)):
        found = json.loads((tmp_path / "out" / f"{name}.json").read_text("utf-8"))
        whole = [row for row in wanted if row["data_id"] not in LEFT_OUT]
        assert found == whole
        assert [list(row) for row in found[:4]] == [list(row) for row in whole[:4]]


def test_a_round_trip_gives_equal_tables(exported: Path, folder: Path, tmp_path: Path) -> None:
    done("import", "trig-bench", exported, "--out", tmp_path / "again")
    assert_frame_equal(load(tmp_path / "again")[0], load(folder)[0])
    kept = tables.read(folder / "published.parquet", PUBLISHED)
    assert_frame_equal(tables.read(tmp_path / "again/published.parquet", PUBLISHED), kept.filter(pl.col("reason").is_null()))
    same = ("source", "width", "height", "item", "subject", pl.col("image").struct["bytes"])
    ours, theirs = (tables.read(place / "sources", SOURCES).select(*same) for place in (folder, tmp_path / "again"))
    assert_frame_equal(theirs, ours)
    assert about(tmp_path / "again").licence == "CC BY 4.0"


def test_the_hubs_layout_has_its_columns_in_order(folder: Path, tmp_path: Path) -> None:
    done("export", folder, "--to", "hf", "--out", tmp_path / "out")
    names = {file.name: pq.read_schema(file).names for file in (tmp_path / "out/data").iterdir()}
    assert set(names) == {f"{split}-00000-of-00001.parquet" for split in ("text_to_image", "image_editing", "subject_driven")}
    assert {tuple(name[:8]) for name in names.values()} == {COLUMNS}
    assert {tuple(name[8:]) for name in names.values()} == {("target_group", "text", "extra_fields")}


def test_datasets_opens_every_file(exported: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    kind = "json" if exported.name == "json" else "parquet"
    for file in sorted(exported.glob("*.json" if kind == "json" else "data/*.parquet")):
        opened = load_dataset(kind, data_files=str(file), cache_dir=str(tmp_path), split="train")
        assert opened.num_rows == (7 if "text" in file.name else 3 if "editing" in file.name else 2)
        if kind == "parquet" and "text" not in file.name:
            assert opened[0]["image"].size == (8, 8) and opened[0]["dimensions"][0] in ("IQ-O", "TA-C")


def test_datasets_opens_the_folder_by_its_card(exported: Path, tmp_path: Path) -> None:
    from datasets import get_dataset_config_names, load_dataset

    names = ["text_to_image", "image_editing", "subject_driven"]
    if exported.name == "hf":
        opened = load_dataset(str(exported), cache_dir=str(tmp_path))
        assert {split: opened[split].num_rows for split in opened} == dict(zip(names, (7, 3, 2), strict=True))
        assert tuple(opened["image_editing"].column_names[:8]) == COLUMNS
        return
    assert get_dataset_config_names(str(exported)) == names
    assert load_dataset(str(exported), "subject_driven", cache_dir=str(tmp_path))["subject_driven"]["item"][:1] == ["kettle"]


def test_the_card_tells_who_wrote_what_and_escapes_it(exported: Path) -> None:
    text = (exported / "README.md").read_text("utf-8")
    _, head, body = text.split("---\n", 2)
    assert 'license: "cc-by-4.0"\nlicense_name: "CC BY 4.0"' in head and 'language: ["en"]' in head and 'size_categories: ["n<1K"]' in head
    tokens = MarkdownIt("commonmark").enable("table").parse(body)
    inline = [child for token in tokens for child in token.children or ()]
    assert {child.content for child in inline if child.type == "html_inline"} <= {"<code>", "</code>"}
    assert not [token for token in (*tokens, *inline) if token.type in ("html_block", "link_open", "image", "strong_open")]
    said = " ".join("".join(child.content for child in token.children or ()) for token in tokens)
    assert "text-to-image: 7 prompts in 5 subsets" in said and "of these, verbatim copies: 1" in said
    assert "Imported rows without a prompt: 1" in said


def test_the_projects_own_prompts_are_exported(tmp_path: Path) -> None:
    done("export", own(tmp_path) / "prompts.parquet", "--to", "json", "--out", tmp_path / "out")
    first, copy, later = json.loads((tmp_path / "out/text-to-image.json").read_text("utf-8"))
    assert list(first) == ["data_id", "prompt", "dimension_prompt", "img_id", "dimension", "parent_dataset"]
    assert [row["parent_dataset"] for row in (first, copy, later)] == [["New", "Auto"], ["<IQ-R, TA-C>", "Origin"], ["New", "Origin"]]
    edit = json.loads((tmp_path / "out/image-editing.json").read_text("utf-8"))[0]
    assert edit["img_id"] == f"{digest(png(9))}.png" and edit["dimensions"] == ["IQ-A", "TA-C"]
    card = (tmp_path / "out/README.md").read_text("utf-8")
    assert 'license: "unknown"' in card and "Rejected drafts: 1" in card and "| plain | 1 |" in card and HOSTILE not in card
    assert "drawn &#124; here" in card and set(CHECKS) >= {"plain"}
    done("import", "trig-bench", tmp_path / "out", "--out", tmp_path / "back")
    assert {name: row["prompt"] for name, row in rows(tmp_path / "back").items()}["IQ-A_TA-C_2"] == "A red kite"
    done("export", tmp_path / "prompts.parquet", "--to", "hf", "--split", "train", "--out", tmp_path / "train")
    assert pq.read_table(tmp_path / "train/data/text_to_image-00000-of-00001.parquet")["prompt"].to_pylist() == ["A kite to learn from"]


def test_the_card_tells_whose_captions_and_phrases_were_used(tmp_path: Path) -> None:
    own(tmp_path)
    done("export", tmp_path / "prompts.parquet", "--to", "hf", "--out", tmp_path / "without")
    assert "No counts of the annotation were given" in (tmp_path / "without/README.md").read_text("utf-8")
    told = Credit(of="captions", licence="CC0-1.0", origin="a | <b>", entries=7, prompts=1_000)
    funnel.write(Funnel(subsets=(), credits=(told,)), tmp_path / "annotate.json")
    done("export", tmp_path / "prompts.parquet", "--to", "hf", "--out", tmp_path / "with")
    (line,) = [line for line in (tmp_path / "with/README.md").read_text("utf-8").splitlines() if line.startswith("| captions")]
    assert line.endswith("| 7 | 1,000 |") and "CC0" in line and "<b>" not in line and line.count("|") == 6


def test_prompts_that_came_from_an_import_keep_what_was_published(folder: Path, tmp_path: Path) -> None:
    """As the pipeline leaves them: in a table of its own, here with a prompt that somebody mended."""
    prompts = load(folder)[0].with_columns(prompt=pl.col("prompt").str.replace("Add a warning sign", "Put up a warning sign"))
    tables.write(prompts, PROMPTS, tmp_path / "prompts.parquet")
    done(
        "export",
        tmp_path / "prompts.parquet",
        "--material",
        folder,
        "--sources",
        folder / "sources",
        "--to",
        "json",
        "--out",
        tmp_path / "out",
    )
    found = json.loads((tmp_path / "out/image-editing.json").read_text("utf-8"))
    assert found == [*P2P[:2], P2P[2] | {"prompt": "Put up a warning sign"}]


def test_the_benchmarks_row_on_a_small_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "published_size", lambda *_: 2)
    assert [bar.met for bar in exchange.exchange(Project())] == [True] * 7


@pytest.fixture
def repository(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """A hub that holds one export, and what it was asked."""
    import huggingface_hub

    asked: list[tuple[object, ...]] = []
    done("export", folder, "--to", "hf", "--out", tmp_path / "a1b2c3")

    def snapshot_download(name: str, repo_type: str, revision: str | None, allow_patterns: list[str]) -> str:
        asked.append((name, repo_type, revision, allow_patterns))
        return str(tmp_path / "a1b2c3")

    monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot_download)
    return asked


def test_the_hub_is_asked_for_a_revision(repository: list[tuple[object, ...]], tmp_path: Path) -> None:
    done("import", "trig-bench", "hub:some/data@v1", "--out", tmp_path / "out")
    assert repository == [("some/data", "dataset", "v1", hub.WANTED)]
    assert about(tmp_path / "out").origin.endswith(": hub:some/data@a1b2c3") and len(rows(tmp_path / "out")) == 12
