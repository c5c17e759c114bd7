"""Curves of a knob in the report: facts, metrics, summary, the static image, and the page of fronts in a browser."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import chromium
import polars as pl
import pytest
from opened import Reader
from reporting import Run, publish, run_of
from selenium import webdriver

from trig.params.sweeps import Curve
from trig.report import fronts, stills

PAIR = "TA-C_TA-S"
SETTINGS = (("tiny-turbo", 1.0), ("tiny", 3.0), ("tiny-dtm", 4.5))
CURVE = Curve("tiny", "guidance_scale", SETTINGS)


@pytest.fixture(scope="module")
def turned(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of a curve with one conflict along its knob: Content rises, Style falls."""
    ran = run_of(tmp_path_factory.mktemp("turned"), 24)
    base = ran.scores.filter(model="tiny")
    moved = pl.when(pl.col("pair") != PAIR).then(0.0).when(pl.col("dimension") == "TA-C").then(0.02).otherwise(-0.02)
    own = [base.with_columns(model=pl.lit(model), expected=0.4 + 0.2 * pl.col("expected") + moved * value) for model, value in SETTINGS]
    return replace(ran, scores=pl.concat(own), background=replace(ran.background, curves=(CURVE,), tunings=()))


@pytest.fixture(scope="module")
def still(turned: Run) -> Run:
    """The same run without a curve."""
    return replace(turned, background=replace(turned.background, curves=()))


@pytest.fixture
def front(browser: webdriver.Chrome, turned: Run, tmp_path: Path) -> Iterator[Reader]:
    file = tmp_path / "index.html"
    file.write_text(turned.html, "utf-8")
    reader = Reader(browser, file.as_uri())
    reader.screen()
    yield reader
    reader.quiet()


def test_metrics_and_summary_name_the_conflict_along_the_knob(turned: Run) -> None:
    contents = turned.contents
    told = contents.metrics["curves"]
    assert isinstance(told, dict)
    own = told["tiny.guidance_scale"]["t2i"]
    assert (own["conflicts"], own["pairs"]) == (1, {PAIR: "TA-C rises, TA-S falls"})
    areas = [area["area"] for area in contents.digest.facts["fronts"]["areas"] if area["curve"] == CURVE.name]
    assert own["hypervolume"] == pytest.approx(sum(areas) / 42)
    (line,) = fronts.lines(contents.digest.facts["fronts"], turned.thresholds)[3:]
    assert line.startswith("- Conflicts along <code>tiny") and line.endswith("TA-C rises, TA-S falls")
    assert "(1, 3, 4.5): 1 of 42 pairs" in line


def test_too_few_prompts_name_none(turned: Run) -> None:
    few = turned.thresholds.model_copy(update={"min_points": 25})
    assert fronts.conflicts(turned.contents.digest.facts["fronts"], few) == []


def test_without_a_curve_nothing_is_said_of_one(still: Run, tmp_path: Path) -> None:
    contents = still.contents
    assert contents.digest.facts["fronts"] == fronts.NOTHING
    assert "curves" not in contents.metrics
    publish(contents, tmp_path)
    assert "knob" not in (tmp_path / "summary.md").read_text("utf-8")


def test_the_image_shows_the_conflict_first_and_is_there_without_a_curve(turned: Run, still: Run) -> None:
    titles = [title for title, _, _ in fronts.planes(turned.contents.digest.facts["fronts"], turned.thresholds, 3)]
    assert titles[0] == f"t2i {PAIR}: conflict along a knob" and not any("conflict" in title for title in titles[1:])
    drawn, nothing = stills.fronts(turned.contents), stills.fronts(still.contents)
    assert drawn == stills.fronts(turned.contents)
    assert drawn[:4] == nothing[:4] == b"\x89PNG" and len(nothing) < len(drawn) / 10


@chromium.needed
def test_the_page_of_fronts_is_there_only_with_a_curve(browser: webdriver.Chrome, still: Run, tmp_path: Path) -> None:
    file = tmp_path / "index.html"
    file.write_text(still.html, "utf-8")
    reader = Reader(browser, file.as_uri())
    reader.load("overview")
    assert "Fronts" not in reader.texts("#nav a")
    reader.go("front")
    assert reader.texts("h1") == ["Not here"]


@chromium.needed
def test_the_page_opens_at_the_surest_conflict_and_tells_it(front: Reader) -> None:
    front.load("front")
    assert front.script("return document.getElementById('front-pair').value") == PAIR
    assert front.texts("[aria-label=Conflicts] li") == [f"{PAIR}: Content +0.070, Style −0.070"]
    rows = {row[0][0]: [shown for shown, _ in row] for row in front.table("Pairs along tiny.guidance_scale t2i")}
    assert rows[PAIR][1:3] == ["TA-C rises, TA-S falls", "+0.070"]
    assert {row[1] for pair, row in rows.items() if pair != PAIR} == {"no conflict shown"}
    assert [row[0][0] for row in front.table(f"Settings of {PAIR} t2i")] == sorted(model for model, _ in SETTINGS)


@chromium.needed
def test_verdicts_follow_the_limits_that_are_set(front: Reader) -> None:
    front.load("front", min_points=30)
    assert {row[1][0] for row in front.table("Pairs along tiny.guidance_scale t2i")} == {"too few"}
    assert front.all("[aria-label=Conflicts]") == []
    front.set("min_points", 10)
    assert len(front.all("[aria-label=Conflicts] li")) == 1


@chromium.needed
def test_the_chart_has_the_curve_in_its_order_and_the_front(front: Reader) -> None:
    front.load("front", CURVE.name, PAIR)
    (chart,) = front.draw()
    labels = [text.text for text in chart.find_elements("css selector", ".mark-text.role-mark text")]
    assert labels == ["1", "3", "4.5"]
    across = [float(shown) for shown, _ in (row[2] for row in front.table(f"Settings of {PAIR} t2i"))]
    assert len(across) == 3
    assert {row[6][0] for row in front.table(f"Settings of {PAIR} t2i")} == {"yes"}


@chromium.needed
def test_another_pair_is_chosen_and_an_unknown_one_is_told(front: Reader) -> None:
    front.load("front")
    front.waiting(lambda: front.choose("front-pair", "IQ-R_IQ-O"))
    assert front.hash == "#/front/tiny.guidance_scale/IQ-R_IQ-O"
    assert "IQ-R Realism × IQ-O Originality" in front.texts("h2")
    for path in (("front", "nothing"), ("front", CURVE.name, "nothing")):
        front.go(*path)
        assert front.texts("h1") == ["Not here"]
