"""Several seeds per prompt: pictures of one prompt are samples of their own and no evidence of their own."""

import json
import re
from pathlib import Path

import chromium
import polars as pl
import pytest
from opened import CARDS, Reader
from polars.testing import assert_frame_equal
from reporting import Run, run_of
from selenium import webdriver

from trig import params, tables
from trig.classify.change import Run as Side
from trig.classify.change import changes
from trig.classify.relations import counted, relations
from trig.classify.samples import gather, points, rooted, roots
from trig.classify.sweep import sweep
from trig.gates import images, scores
from trig.gates.gx import look
from trig.gates.result import Finding
from trig.judge.album import Album
from trig.judge.plan import UNPAINTED, pictured, plan
from trig.judge.run import Painted, calls, judged
from trig.report import gather as report
from trig.report import numbers
from trig.report.facts.digest import Tuning
from trig.store import Store
from trig.tables.diagnostics import DIAGNOSTICS
from trig.tables.images import IMAGES
from trig.tables.prompts import numbered, split
from trig.tables.scores import SCORES, distinct
from trig.testing import factories
from trig.testing.glib import Glib

LIMITS = factories.thresholds(enough_points=10)
SAMPLED = re.compile("stability|runner_up|_p$|_q$|_low$|_high$|evidence|kind|favoured")
"""Columns that depend on which resamples were drawn."""
PAGE_PAIR = "IQ-R_TA-S"


@pytest.fixture(scope="module")
def prompts() -> pl.DataFrame:
    return factories.run_prompts(12)


@pytest.fixture(scope="module")
def one(prompts: pl.DataFrame) -> pl.DataFrame:
    """Scores of all models, a picture of each prompt."""
    return rooted(pl.concat([factories.run_scores(model, prompts) for model in factories.MODELS]), prompts)


@pytest.fixture(scope="module")
def equal(one: pl.DataFrame) -> pl.DataFrame:
    """The same with three pictures of each prompt, which are equal and so have equal keys."""
    return pl.concat([one.with_columns(number=pl.lit(number, pl.Int32)) for number in range(3)])


@pytest.fixture(scope="module")
def three(prompts: pl.DataFrame) -> pl.DataFrame:
    """Scores of all models, three different pictures of each prompt."""
    return rooted(pl.concat([factories.run_scores(model, prompts, 3) for model in factories.MODELS]), prompts)


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_of(tmp_path_factory.mktemp("run"), 12, 4, 3)


def test_equal_pictures_of_a_prompt_change_no_verdict_and_add_no_evidence(
    one: pl.DataFrame, equal: pl.DataFrame, prompts: pl.DataFrame
) -> None:
    before, after = (relations(frame, LIMITS, roots(prompts)) for frame in (one, equal))
    fixed = [name for name in before.columns if not SAMPLED.search(name)]
    tripled = ["n", "nulls", "n_synergy", "n_bottleneck", "n_tradeoff", "n_above", "n_below"]
    assert after["clusters"].equals(before["clusters"]) and (after["clusters"] < after["n"]).all()
    assert_frame_equal(after.select(fixed), before.select(fixed).with_columns(pl.col(tripled) * 3), abs_tol=1e-12)
    width = [frame.select(pl.col("rho_high") - pl.col("rho_low")).to_series() for frame in (before, after)]
    assert width[1].mean() == pytest.approx(width[0].mean(), rel=0.05)


def test_fewer_prompts_than_a_verdict_takes_are_too_few_with_any_number_of_seeds(equal: pl.DataFrame, prompts: pl.DataFrame) -> None:
    for min_points, few in ((12, False), (13, True)):
        limits = LIMITS.model_copy(update={"min_points": min_points})
        found = relations(equal.with_columns(expected=pl.col("expected").fill_null(0.5)), limits, roots(prompts))
        assert (found["relation"] == "too few").all() == few
        assert found["evidence"].is_null().all() == few


def test_seeds_are_clusters_without_roots_too(three: pl.DataFrame, prompts: pl.DataFrame) -> None:
    assert relations(three, LIMITS).equals(relations(three, LIMITS, roots(prompts)))


def test_a_row_of_points_a_sweep_and_the_table_agree(three: pl.DataFrame) -> None:
    found = relations(three, LIMITS)
    assert counted(points(three, "expected"), LIMITS)["relation"].equals(found["relation"])
    swept = sweep(gather(three, "expected", None), [({"synergy": LIMITS.synergy}, LIMITS)])
    assert swept["relation"].equals(found["relation"]) and swept["leaning"].equals(found["leaning"])


def test_the_order_of_rows_changes_nothing(three: pl.DataFrame, prompts: pl.DataFrame) -> None:
    shuffled = three.sample(fraction=1.0, shuffle=True, seed=3)
    assert relations(shuffled, LIMITS, roots(prompts)).equals(relations(three, LIMITS, roots(prompts)))
    tuning = Tuning("tiny", "tiny-dtm", (PAGE_PAIR,))
    told = [numbers.changes(frame, tuning, "expected") for frame in (three, shuffled)]
    assert told[0].equals(told[1])
    assert report.picked(shuffled, "expected", 5) == report.picked(three, "expected", 5)


def test_equal_pictures_change_no_mean_and_no_interval(one: pl.DataFrame, equal: pl.DataFrame) -> None:
    tuning = Tuning("tiny", "tiny-dtm", (PAGE_PAIR,))
    found: list[list[pl.DataFrame]] = [
        [
            numbers.means(distinct(frame), "expected"),
            numbers.levels(distinct(frame), "expected"),
            numbers.changes(frame, tuning, "expected"),
            pl.DataFrame(numbers.couples(frame, "expected", [("tiny", "tiny-dtm")])["tiny", "tiny-dtm"]),
        ]
        for frame in (one, equal)
    ]
    for before, after in zip(*found, strict=True):
        counts = [name for name in ("n", "nulls") if name in before.columns]
        assert_frame_equal(after, before.with_columns(pl.col(counts) * 3), abs_tol=1e-9)
    few, many = (
        numbers.moves(points(frame, "expected"), frame.select("task", "data_id", "root").unique(), ("tiny", "tiny-dtm"))["t2i"][0]
        for frame in (one, equal)
    )
    assert many["n"] == [3 * n for n in few["n"]]
    assert many["x_low"] == pytest.approx(few["x_low"], abs=1e-7) and many["y"] == pytest.approx(few["y"], abs=1e-7)


def test_a_change_is_paired_by_seed_and_tested_over_prompts(
    three: pl.DataFrame, one: pl.DataFrame, equal: pl.DataFrame, prompts: pl.DataFrame
) -> None:
    def change(a: pl.DataFrame, b: pl.DataFrame) -> pl.DataFrame:
        before, after = (Side(frame.filter(model=model), prompts) for frame, model in ((a, "tiny"), (b, "tiny-dtm")))
        return changes(before, after, LIMITS)

    single, tripled, mixed = change(one, one), change(equal, equal), change(one, three)
    assert tripled["n"].equals(single["n"] * 3) and tripled["clusters"].equals(single["clusters"])
    exact = ["x", "x_low", "x_high", "x_p", "y", "rho", "rho_a", "relation_a", "relation_b"]
    assert_frame_equal(tripled.select(exact), single.select(exact), abs_tol=1e-9)
    assert (mixed["unpaired"] == 24).all() and mixed.select((pl.col("n") + pl.col("nulls") == 12).all()).item()
    assert mixed["change"].null_count() < mixed.height, "one seed of each prompt is paired, so a prompt counts as one point"


def gated(prompts: pl.DataFrame, pictures: pl.DataFrame, scored: pl.DataFrame, folder: Path, seeds: int) -> list[Finding]:
    tables.write(pictures, IMAGES, folder / "tiny" / "all.parquet")
    told = (tables.check(scored, SCORES, "test"), tables.check(scored, DIAGNOSTICS, "test"))
    return look(
        [*images.views(prompts, folder / "tiny", "tiny", seeds, 0.0, Store.passing()), *scores.views(prompts, *told, "tiny", seeds, 0.0)]
    )


def test_the_gates_want_every_seed_of_every_prompt_and_no_other(tmp_path: Path) -> None:
    asked = factories.prompts()
    pictures, scored = factories.images(asked, seeds=3), factories.scores(asked, seeds=3)
    assert not [finding.says for finding in gated(asked, pictures, scored, tmp_path, 3) if not finding.met]
    more = {finding.says for finding in gated(asked, pictures, scored, tmp_path, 2) if not finding.met}
    assert more == {f"every {row} belongs to the model and to one of its test prompts" for row in ("picture", "score")}
    lost = (pl.col("data_id") == "IQ-R_TA-C_2") & (pl.col("number") == 1)
    failed = [finding for finding in gated(asked, pictures.filter(~lost), scored.filter(~lost), tmp_path, 3) if not finding.met]
    assert {finding.rows for finding in failed} == {"seeds of test prompts"}
    assert [example.row for finding in failed for example in finding.examples] == ["tiny/t2i/IQ-R_TA-C_2/1"] * 3
    renamed = pictures.with_columns(pl.col("image").struct.with_fields(path=pl.col("data_id") + ".png"))
    assert {finding.says for finding in gated(asked, renamed, scored, tmp_path, 3) if not finding.met} == {
        "every picture is called by its data_id"
    }


def test_a_dry_run_counts_every_seed_that_is_still_to_be_made(tmp_path: Path) -> None:
    asked, settings = split(factories.prompts(), "test"), params.load().judge
    wanted = numbered(asked, 3)
    made = Album([factories.images(asked)])
    painted = Painted(wanted, factories.Drawings(), pictured(wanted, made, "tiny", 8, 8))
    assert painted.rows.filter(pl.col("key") == UNPAINTED)["number"].value_counts().sort("number").rows() == [(1, 12), (2, 12)]
    with Store.open(tmp_path) as store:
        found = plan(calls(painted, "1", settings), store, lambda _: 1)
    assert (found.calls, found.unpainted, found.tokens) == (72, 48, 72)


def test_three_seeds_from_the_judge_to_the_page(tmp_path: Path) -> None:
    asked = factories.prompts(per_subset=12, train=0).with_columns(parent=pl.lit(None, pl.String))
    pictures = factories.images(asked, seeds=3)
    with Store.open(tmp_path) as store:
        painted = Painted(numbered(asked, 3), factories.Drawings(), Album([pictures]))
        scored = judged(painted, Glib(), store, params.load().judge, lambda _, steps: list(steps), "tiny")
    found = relations(scored, LIMITS, roots(asked))
    assert (found["n"] + found["nulls"]).to_list() == [36] * 3 and found["clusters"].to_list() == [12] * 3


def test_the_page_tells_seeds_and_counts_prompts(ran: Run) -> None:
    facts = ran.contents.digest.facts
    assert (facts["seeds"], facts["samples"]) == (3, 3 * 3 * 42 * 12)
    sheets = [sheet for sheet in ran.sheets if sheet.pair == PAGE_PAIR]
    assert {number for sheet in sheets for _, number in sheet.names} > {0} and all(len(set(sheet.names)) == 4 for sheet in sheets)
    samples = json.loads(ran.contents.digest.parts["samples-t2i"])
    named = [*zip(samples["ids"][PAGE_PAIR], samples["numbers"][PAGE_PAIR], strict=True)]
    own = ran.points.filter(model="tiny", pair=PAGE_PAIR).sort("data_id", "number")
    assert named == own.select("data_id", "number").rows() and len(samples["prompts"]) <= 42 * 12


def test_the_summary_tells_seeds(ran: Run, tmp_path: Path) -> None:
    ran.write(tmp_path)
    text = (tmp_path / "summary.md").read_text("utf-8")
    assert "Each prompt has 3 pictures" in text and "rest on fewer than 30 prompts" in text and "at most 12 here" in text


@chromium.needed
def test_the_page_shows_which_seed_a_picture_has(browser: webdriver.Chrome, ran: Run, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text(ran.html, "utf-8")
    reader = Reader(browser, (tmp_path / "index.html").as_uri())
    reader.load("pictures", "tiny-dtm", PAGE_PAIR)
    sheet = next(sheet for sheet in ran.sheets if (sheet.model, sheet.pair) == ("tiny-dtm", PAGE_PAIR))
    own = {row[:2]: row[2:] for row in ran.points.filter(model="tiny-dtm", pair=PAGE_PAIR).select("data_id", "number", "x", "y").rows()}
    shown = [(f"seed {number}", *(f"{value:.2f}" for value in own[name, number])) for name, number in sheet.names]
    assert [(where.split(" · ")[1], *values) for _, *values, where in reader.script(CARDS)] == shown
    reader.load("pair", "tiny", PAGE_PAIR)
    assert "They come from 12 prompts; copies, edits and seeds of one count once in the evidence." in reader.texts("#reasons li")
    reader.load("overview", min_points=12)
    means = numbers.clustered_means(ran.pixels.diversity, ("model",), "vendi").select("model", "mean", pl.col("high") - pl.col("mean"))
    told = {model: f"{mean:.3f} ± {half:.3f}" for model, mean, half in means.iter_rows()}
    assert {model: vendi for (model, _), (vendi, _), *_ in reader.table("Diversity t2i")} == told
    assert len(reader.table("Differences of diversity t2i")) == 3
    assert "changed" in reader.one("#differs").text
    few = relations(ran.scores, ran.thresholds.model_copy(update={"min_points": 12})).filter(model="tiny")
    kept = dict(few.select("pair", "relation").rows())
    reader.load("model", "tiny", min_points=12)
    rows = [(pair, said) for (pair, _), (said, _), *_ in reader.table("Pairs of tiny t2i")]
    assert len(rows) == len(kept) and all(kept[pair] in said for pair, said in rows)
    assert f"Vendi score {told['tiny']}" in reader.one("#view").text
    assert len(reader.table("Scores and figures of tiny t2i, within prompts")) == 10
    reader.load("compare", "tiny", "tiny-dtm", PAGE_PAIR)
    assert all(re.search(r" · seed [0-2]$", text) for text in reader.texts(".couple figcaption"))
    reader.quiet()
