"""`trig verify` on a run of the tiny world: it finds what was altered, names each row, and nothing on untouched tables."""

import json
import shutil
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import verified
import workplace
from typer.testing import CliRunner

from trig import params, tables
from trig.backends.dtype import computed
from trig.cli.main import app
from trig.provenance.checked import sample
from trig.tables.diagnostics import DIAGNOSTICS
from trig.tables.made import Made, noted
from trig.tables.prompts import PROMPTS
from trig.tables.relations import RELATIONS
from trig.tables.scores import SCORES
from trig.testing.tampering import alter, rewrite, swap


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run."""
    place = tmp_path_factory.mktemp("run") / "place"
    place.mkdir()
    verified.run(place)
    return place


@pytest.fixture
def data(ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Its tables, to be altered, with its parameters in the working folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ran / "data", tmp_path / "data", symlinks=True)
    shutil.copy(ran / "params.yaml", tmp_path)
    (tmp_path / "material").symlink_to(workplace.ROOT / "material")
    return Path("data")


def verify(*arguments: str) -> tuple[int, dict[str, Any]]:
    """Exit code and report."""
    done = CliRunner().invoke(app, ["verify", "--json", *arguments], catch_exceptions=False)
    return done.exit_code, json.loads(done.stdout)


def rows(told: dict[str, Any]) -> set[tuple[str, str]]:
    """File and row of each finding that names a row."""
    return {(Path(found["table"]).name, found["row"]) for found in told["findings"] if found["row"]}


def whole(told: dict[str, Any]) -> set[str]:
    """Files of which something is wrong as a whole."""
    return {Path(found["table"]).name for found in told["findings"] if not found["row"]}


def test_untouched_tables_are_what_they_claim(data: Path) -> None:
    code, told = verify("--all")
    assert (code, told["sound"], told["findings"]) == (0, True, [])
    checked = {check["name"]: check for check in told["checks"]}
    pictured = tables.read(data / "prompts.parquet", PROMPTS).filter(split="test").height
    assert checked["pictures, from seeds"]["rows"] == pictured
    assert checked["scores, from pictures"]["rows"] == 2 * pictured
    assert checked["tables"]["rows"] == checked["tables"]["of"] > pictured
    assert told["notes"] == []


def test_one_altered_score_and_one_swapped_picture_are_found_and_nothing_else(data: Path) -> None:
    altered = alter(data / "scores/tiny.parquet", 17)
    swapped = swap(data / "images/tiny")
    code, told = verify("--all")
    assert code == 1
    assert {found for found in rows(told) if found[0] != "relations.parquet"} == {("tiny.parquet", altered), *swapped}


def test_a_picture_that_was_swapped_with_its_digest_is_not_what_its_seed_gives(data: Path) -> None:
    swapped = swap(data / "images/tiny", forged=True)
    code, told = verify("--all", "--only", "images")
    assert code == 1
    assert rows(told) == set(swapped)
    assert all("255ths" in found["what"] for found in told["findings"] if found["row"])
    code, told = verify("--rows", "1", "--only", "scores")
    assert code == 1 and {row for _, row in rows(told)} >= {f"{row} {Path(file).stem.split('_')[0]}" for file, row in swapped}


def test_an_altered_score_is_found_whatever_rows_are_drawn(data: Path) -> None:
    """Its columns contradict each other, which is seen without the judge."""
    rewrite(data / "scores/tiny.parquet", SCORES, lambda frame: frame.with_columns(score_trig=1 - pl.col("score_trig")))
    code, told = verify("--rows", "1", "--only", "scores")
    assert code == 1 and len(rows(told)) == tables.read(data / "scores/tiny.parquet", SCORES).height


def test_a_score_that_agrees_with_itself_is_what_the_judge_gives_or_not(data: Path) -> None:
    """p, S, C and C·S are altered together, with a sound note: only the judge knows."""
    sure = {"p": pl.lit([0.0, 0.0, 1.0]), "confidence": pl.lit(1.0)}
    at = tables.read(data / "scores/tiny.parquet", SCORES)["score_trig"].arg_min()
    here = pl.int_range(pl.len()) == at
    for file, table, values in (
        ("scores/tiny.parquet", SCORES, {"expected": pl.lit(1.0), "score_trig": pl.lit(1.0)}),
        ("diagnostics/tiny.parquet", DIAGNOSTICS, sure),
    ):
        rewrite(
            data / file,
            table,
            lambda frame, values=values: frame.with_columns(  # type: ignore[misc]
                pl.when(here).then(value).otherwise(name).alias(name) for name, value in values.items()
            ),
        )
    row = pl.read_parquet(data / "scores/tiny.parquet").row(int(at or 0), named=True)
    code, told = verify("--all", "--only", "scores")
    assert code == 1 and rows(told) == {("tiny.parquet", f"t2i {row['data_id']} {row['dimension']}")}
    assert "the judge gives" in next(found["what"] for found in told["findings"] if found["row"])


def test_an_altered_relation_is_named_with_its_column(data: Path) -> None:
    rewrite(
        data / "relations.parquet",
        RELATIONS,
        lambda frame: frame.with_columns(n=pl.when(pl.int_range(pl.len()) == 3).then(9).otherwise("n")),
    )
    code, told = verify("--only", "relations")
    row = pl.read_parquet(data / "relations.parquet").row(3, named=True)
    assert code == 1 and rows(told) == {("relations.parquet", f"tiny t2i {row['pair']}")}
    assert next(found["what"] for found in told["findings"] if found["row"]).startswith("n: 9 ")


def test_pictures_of_a_machine_where_auto_is_another_dtype_are_checked_in_it_and_noted(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = params.load().models["tiny"]
    made, other = (computed(entry.dtype), "float32" if computed(entry.dtype) == "bfloat16" else "bfloat16")  # type: ignore[union-attr]
    for module in ("trig.backends.painters.diffusers", "trig.backends.dtype"):
        monkeypatch.setattr(f"{module}.computed", lambda asked, *_: other if asked == "auto" else asked)
    code, told = verify("--rows", "2", "--only", "images")
    (note,) = told["notes"]
    assert (code, told["findings"]) == (0, []) and all(said in note for said in ("tiny", made, other, "models.tiny.dtype"))
    swapped = swap(data / "images/tiny")
    code, told = verify("--all", "--only", "images")
    assert code == 1 and rows(told) == set(swapped)


def test_a_row_that_was_edited_without_this_library_is_told_by_its_table(data: Path) -> None:
    frame = pl.read_parquet(data / "prompts.parquet").with_columns(caption=pl.lit("another"))
    note = noted(data / "prompts.parquet")
    assert note
    frame.write_parquet(data / "prompts.parquet", metadata={"trig": note.model_dump_json()})
    code, told = verify("--only", "relations")
    assert code == 1 and whole(told) == {"prompts.parquet"}


def test_parameters_and_inputs_that_changed_since_are_told(data: Path) -> None:
    workplace.edit(Path(), thresholds__synergy=0.7)
    code, told = verify("--only", "relations")
    assert code == 1 and whole(told) == {"relations.parquet"}
    assert any("thresholds" in found["what"] for found in told["findings"])
    workplace.edit(Path(), thresholds__synergy=0.8)
    rewrite(data / "scores/tiny.parquet", SCORES, lambda frame: frame.reverse())
    code, told = verify("--only", "relations")
    assert code == 1 and whole(told) == {"relations.parquet"}


def test_code_that_changed_since_is_noted_and_no_fault(data: Path) -> None:
    (data / "code/judge.txt").write_text("other\n", "utf-8")
    code, told = verify("--only", "relations")
    assert code == 0 and any("judge" in note for note in told["notes"])


def test_what_is_not_here_is_noted(data: Path) -> None:
    shutil.rmtree(data / "images")
    code, told = verify("--rows", "1")
    assert code == 0
    assert any("images/tiny" in note and "dvc pull" in note for note in told["notes"])


def test_tables_of_an_older_version_are_noted(data: Path) -> None:
    path = data / "relations.parquet"
    pl.read_parquet(path).write_parquet(path)
    code, told = verify("--only", "relations")
    assert code == 0 and any("relations.parquet" in note for note in told["notes"])


def test_a_torn_shard_is_named(data: Path) -> None:
    file = data / "images/tiny/t2i/IQ-R_TA-S.parquet"
    file.write_bytes(file.read_bytes()[:-100])
    code, told = verify("--only", "relations")
    assert code == 1 and whole(told) >= {"IQ-R_TA-S.parquet"}


def test_what_is_shown_says_what_was_checked_and_how_near(data: Path) -> None:  # noqa: ARG001
    done = CliRunner().invoke(app, ["verify", "--rows", "1"], catch_exceptions=False)
    assert done.exit_code == 0
    assert "255ths" in done.stdout and "pictures, from seeds" in done.stdout


def test_a_sample_is_drawn_over_all_models_and_is_the_same_for_a_seed() -> None:
    drawn = sample({"a": 100, "b": 300}, 40, 1)
    assert drawn == sample({"a": 100, "b": 300}, 40, 1) != sample({"a": 100, "b": 300}, 40, 2)
    assert len(drawn["a"]) + len(drawn["b"]) == 40 and len(drawn["b"]) > len(drawn["a"]) > 0
    assert sample({"a": 2, "b": 1}, None, 0) == {"a": [0, 1], "b": [0]}


def test_runs_of_equal_inputs_write_equal_bytes(ran: Path, tmp_path: Path) -> None:
    again = tmp_path / "again"
    again.mkdir()
    verified.run(again)
    files = [file.relative_to(ran) for file in (ran / "data").rglob("*.parquet") if "tiny/painter" not in str(file)]
    assert files and [file for file in files if (ran / file).read_bytes() != (again / file).read_bytes()] == []


def test_another_code_hash_rewrites_no_shard_and_nothing_that_is_made_of_the_table(
    ran: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = tmp_path / "again"
    shutil.copytree(ran, place, symlinks=True)
    monkeypatch.chdir(place)
    monkeypatch.delenv("DVC_ROOT", raising=False)
    before = {file: file.read_bytes() for file in Path("data").rglob("*.parquet")}
    verified.stages(Path("data"), annotate="other")
    changed = {file.as_posix() for file, content in before.items() if file.read_bytes() != content}
    assert changed == {"data/prompts.parquet", "data/rejected.parquet"}


def test_made_is_of_what_the_stage_was_given(data: Path) -> None:
    note = noted(data / "scores/tiny.parquet")
    assert note and isinstance(note.made, Made)
    assert (note.made.stage, note.made.code) == ("judge", "code of judge")
    assert note.made.inputs.keys() == {"prompts", "sources", "images/tiny"}
