"""Bad input gives a one-line error that names it and exit code 2, or a null with its reason and a gate that names the row."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pytest
import workplace
from lines import names

from stages import judge
from trig import tables
from trig.report import sheets
from trig.store import Store
from trig.tables.figures import FIGURES
from trig.tables.images import IMAGES
from trig.tables.images import PICTURE as PICTURE_TYPE
from trig.tables.kinds import STATUS
from trig.tables.prompts import PROMPTS
from trig.tables.scores import SCORES
from trig.tables.sources import digest
from trig.testing import factories

GATED = ("out.json", "out.html")
PICTURE = "IQ-R_TA-C_2"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with valid tables of one model, each also with one defect."""
    folder = tmp_path_factory.mktemp("bad")
    workplace.bench(folder, generate__roster=["tiny"])
    prompts = factories.prompts()
    tables.write(prompts, PROMPTS, folder / "prompts.parquet")
    prompts.drop("key").write_parquet(folder / "keyless.parquet")
    for shard, rows in damaged(factories.images(prompts, width=64, height=64)).group_by("pair"):
        tables.write(rows, IMAGES, folder / "images/tiny/t2i" / f"{shard[0]}.parquet")
    nan = factories.scores(prompts).with_columns(score_trig=pl.lit(float("nan")))
    (folder / "scores").mkdir()
    nan.write_parquet(folder / "scores/tiny.parquet")
    (folder / "torn.png").write_bytes(factories.png(1, 64, 64)[:60])
    return folder


def damaged(images: pl.DataFrame) -> pl.DataFrame:
    """Images table with one truncated file."""
    torn = [
        picture if name != PICTURE else picture[:60] for name, picture in images.select("data_id", pl.col("image").struct["bytes"]).rows()
    ]
    paths = images["image"].struct["path"]
    pictures = [{"bytes": picture, "path": path} for picture, path in zip(torn, paths, strict=True)]
    return images.with_columns(image=pl.Series(pictures, dtype=PICTURE_TYPE), digest=pl.Series(map(digest, torn)))


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("stages.generate flux prompts.parquet sources images", ("model", "flux", "tiny, tiny-turbo, tiny-dtm")),
        ("stages.generate tiny absent.parquet sources images", ("absent.parquet", "prompts")),
        ("stages.generate tiny keyless.parquet sources images", ("keyless.parquet", "key", "missing")),
        ("stages.judge tiny prompts.parquet sources absent out.parquet told.parquet", ("absent", "images")),
        ("stages.classify prompts.parquet scores diagnostics out.parquet", ("scores/tiny.parquet", "score_trig", "NaN", "24")),
        ("stages.gate_scores prompts.parquet scores/tiny.parquet told.parquet out.json out.html", ("scores", "score_trig", "NaN", "24")),
        ("trig.cli score torn.png --prompt ball --dimension TA-X", ("dimension", "TA-X", "IQ-R,")),
        ("trig.cli score absent.png --prompt ball --dimension TA-C", ("absent.png", "no such file")),
        ("trig.cli score torn.png --prompt ball --dimension TA-C", ("torn.png", "cannot be decoded")),
    ],
)
def test_one_line_and_exit_code_2(program: str, said: Sequence[str], place: Path) -> None:
    failed = workplace.program("python", "-m", *program.split(), cwd=place)
    assert (failed.returncode, failed.stdout) == (2, "")
    assert re.match(names(*said), failed.stderr)


def test_a_negative_threshold_is_one_line(tmp_path: Path) -> None:
    workplace.bench(tmp_path, thresholds__synergy=-0.5)
    failed = workplace.program("python", "-m", "stages.classify", "prompts.parquet", "scores", "diagnostics", "out.parquet", cwd=tmp_path)
    assert failed.returncode == 2 and re.match(names("params.yaml", "thresholds.synergy", -0.5), failed.stderr)


def test_a_damaged_picture_stops_at_the_gate_by_name(place: Path) -> None:
    failed = workplace.program("python", "-m", "stages.gate_images", "prompts.parquet", "images/tiny", *GATED, "figures", cwd=place)
    assert failed.returncode == 2
    assert (
        len(failed.stderr.splitlines()) == 1
        and "every picture decodes as PNG, WebP or JPEG; 1 of 12" in failed.stderr
        and PICTURE in failed.stderr
    )
    assert json.loads((place / GATED[0]).read_text("utf-8"))["met"] is False


def test_a_damaged_picture_is_a_null_with_its_reason_and_the_gate_counts_it(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(place)
    monkeypatch.setenv("DVC_ROOT", str(place / "root"))
    out, told = Path("judged/tiny.parquet"), Path("diagnostics/tiny.parquet")
    judge.main("tiny", Path("prompts.parquet"), Path("sources"), Path("images/tiny"), out, told)
    scores = tables.read(out, SCORES)
    nulls = scores.filter(pl.col("status") == "null")
    assert (set(nulls["data_id"]), nulls.height, scores.height) == ({PICTURE}, 2, 24)
    assert nulls["reason"].str.contains("cannot be decoded").all() and nulls["expected"].is_null().all()
    failed = workplace.program("python", "-m", "stages.gate_scores", "prompts.parquet", str(out), str(told), *GATED, cwd=place)
    assert failed.returncode == 2
    assert len(failed.stderr.splitlines()) == 1 and "null" in failed.stderr


def test_a_picture_that_its_model_refused_is_a_null_with_its_reason_and_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workplace.bench(tmp_path, generate__roster=["tiny"], judge__max_failures=0, gates__max_null_share=0.2)
    prompts = factories.prompts()
    here = pl.col("data_id") == PICTURE
    images = factories.images(prompts, width=64, height=64).with_columns(
        image=pl.when(~here).then("image"),
        digest=pl.when(~here).then("digest"),
        status=pl.when(here).then(pl.lit("null")).otherwise("status").cast(STATUS),
        reason=pl.when(here).then(pl.lit("flagged")),
    )
    for shard, rows in images.group_by("pair"):
        tables.write(rows, IMAGES, tmp_path / "images/tiny/t2i" / f"{shard[0]}.parquet")
    tables.write(prompts, PROMPTS, tmp_path / "prompts.parquet")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "root"))
    for _ in range(2):  # the second time everything is known
        judge.main(
            "tiny",
            Path("prompts.parquet"),
            Path("sources"),
            Path("images/tiny"),
            Path("scores/tiny.parquet"),
            Path("diagnostics/tiny.parquet"),
        )
        scores = tables.read(Path("scores/tiny.parquet"), SCORES)
        nulls = scores.filter(pl.col("status") == "null")
        assert (set(nulls["data_id"]), nulls.height, scores.height, scores["key"].n_unique()) == ({PICTURE}, 2, 24, 24)
        assert set(nulls["reason"]) == {"no picture: flagged"} and nulls["expected"].is_null().all()
    gated = workplace.program("python", "-m", "stages.gate_images", "prompts.parquet", "images/tiny", *GATED, "figures", cwd=tmp_path)
    assert (gated.returncode, gated.stderr) == (0, f"images: pictures that are missing: 1, t2i {PICTURE} first: flagged\n")
    [lost] = tables.read(tmp_path / "figures/figures.parquet", FIGURES).filter(pl.col("dark").is_null()).iter_rows(named=True)
    assert (lost["data_id"], lost["reason"]) == (PICTURE, "flagged")
    sheet = sheets.Sheet("tiny", "t2i", "IQ-R_TA-C", ((PICTURE, 0),), ("0" * 32,))
    with Store.open() as store:
        list(sheets.draw([sheet], Path("images"), store))
        assert sheets.size(sheets.drawn([sheet], store)[sheet.key]) == (64, 64)
