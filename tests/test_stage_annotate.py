"""The stage annotate as a program: with a language model that is not there, with a review by people, and with an imported benchmark."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import workplace
from annotating import ENTRY

from trig import tables
from trig.annotate.imported import load
from trig.tables.prompts import PROMPTS, split
from trig.tables.rejected import REJECTED
from trig.tables.sources import Library

OUTPUTS = ("prompts.parquet", "rejected.parquet", "sources", "annotate.json")


def settled(place: Path) -> Path:
    """A folder where the stage can run on the general material, with few prompts of all tasks."""
    changes: dict[str, Any] = {"material": "material/general", "sources": "material/general/sources", "tasks": ["t2i", "p2p", "s2p"]}
    changes |= {"per_subset": 10, "train_per_subset": 1, "max_tokens": 90}
    workplace.bench(place, **{f"annotate__{name}": value for name, value in changes.items()})
    (place / "material").symlink_to(workplace.ROOT / "material")
    (place / "data/review").mkdir()
    return place


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return settled(tmp_path)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Such a folder where it has run, with its outputs in `out`; no test changes it."""
    place = settled(tmp_path_factory.mktemp("finished"))
    run(place)
    return place


def annotate(place: Path, out: str = "out", root: str = "root", material: str = "material/general") -> subprocess.CompletedProcess[str]:
    (place / out).mkdir(exist_ok=True)
    outputs = [f"{out}/{name}" for name in OUTPUTS]
    command = ["python", "-m", "stages.annotate", material, "material/general/sources", "data/review", *outputs]
    return workplace.program(*command, cwd=place, DVC_ROOT=str(place / root))


def run(place: Path, out: str = "out", root: str = "root", material: str = "material/general") -> str:
    """What the stage says."""
    ran = annotate(place, out, root, material)
    assert ran.returncode == 0, ran.stderr
    return ran.stderr


def written(place: Path, out: str = "out") -> tuple[pl.DataFrame, pl.DataFrame]:
    return tables.read(place / out / "prompts.parquet", PROMPTS), tables.read(place / out / "rejected.parquet", REJECTED)


def test_an_unknown_annotator_and_one_that_is_not_there_are_one_line(place: Path) -> None:
    workplace.edit(place, annotate__annotator="nobody")
    ran = annotate(place)
    assert ran.returncode == 2 and ran.stderr.count("\n") == 1 and "annotate.annotator" in ran.stderr and "nobody" in ran.stderr
    workplace.edit(place, annotate__annotator="x", annotators={"x": {**ENTRY, "endpoints": ["http://127.0.0.1:9/v1"]}})
    ran = annotate(place)
    assert ran.returncode == 2 and "annotators.x" in ran.stderr.splitlines()[-1]
    assert not any((place / "out").iterdir())


def test_only_what_people_accepted_goes_on(finished: Path, place: Path) -> None:
    before, _ = written(finished)
    verdicts = before.unique("key", maintain_order=True).with_row_index()
    lines = ["key,verdict,votes,reason"]
    for row in verdicts.iter_rows(named=True):
        said = "reject,0 to 2,dull" if row["index"] % 5 == 0 else "accept,2 to 0,"
        lines.append(f"{row['key']},{said}")
    (place / "data/review/first.csv").write_text("\n".join(lines) + "\n", "utf-8")
    told = run(place, "reviewed")
    after, rejected = written(place, "reviewed")
    accepted = set(verdicts.filter(pl.col("index") % 5 != 0)["key"])
    assert set(after["key"]) == accepted
    refused = rejected.filter(pl.col("check") == "reviewed")
    assert refused.filter(pl.col("reason").str.contains("dull")).height == verdicts.height - len(accepted)
    assert "short of prompts" in told and "reviewed" in told


def test_an_imported_benchmark_runs_like_any_material(finished: Path, place: Path) -> None:
    before, _ = written(finished)
    shutil.copytree(finished / "out", place / "out")
    for words in (
        ["export", "out/prompts.parquet", "--to", "json", "--out", "export"],
        ["import", "trig-bench", "export", "--out", "imported/own"],
    ):
        done = workplace.program("trig", *words, cwd=place, DVC_ROOT=str(place / "root"))
        assert done.returncode == 0, done.stderr
    workplace.edit(place, annotate__material="imported/own")
    run(place, "again", material="imported/own")
    after, _ = written(place, "again")
    asked_of = ["task", "data_id", "prompt", "source"]
    assert after.select(asked_of).sort(asked_of[:2]).equals(split(before, "test").select(asked_of).sort(asked_of[:2]))
    library = Library(place / "again/sources")
    assert all(library.get(source) for source in after["source"].drop_nulls())
    assert load(place / "imported/own")[0].height == after.height


def test_rows_that_annotate_lost_fail_the_gate_and_exhausted_material_does_not(place: Path) -> None:
    shutil.copytree(place / "material/tiny", place / "few")
    captions = (place / "few/captions.yaml").read_text("utf-8").splitlines(keepends=True)
    (place / "few/captions.yaml").write_text("".join(captions[:9]), "utf-8")
    workplace.edit(place, annotate__tasks=["t2i"], annotate__material="few", annotate__per_subset=60)
    assert "short of prompts" in run(place, material="few")
    gated = gate(place)
    assert gated.returncode == 0 and "exhausted" in gated.stderr, gated.stderr
    for name, says in (("prompts", "every slot of a subset has its prompt"), ("rejected", "has its rejected drafts")):
        file = place / f"out/{name}.parquet"
        whole = file.read_bytes()
        pl.read_parquet(file).filter(pl.int_range(pl.len()) != pl.len() - 1).write_parquet(file)
        gated = gate(place)
        assert gated.returncode == 2 and says in gated.stderr.splitlines()[-1], gated.stderr
        file.write_bytes(whole)


def gate(place: Path) -> subprocess.CompletedProcess[str]:
    """The gate of what the stage wrote."""
    inputs = [f"out/{name}" for name in ("prompts.parquet", "rejected.parquet", "annotate.json")]
    return workplace.program("python", "-m", "stages.gate_prompts", *inputs, "gate.json", "gate.html", cwd=place)
