"""Prompted models in the report: facts, metrics, summary, and the part of the overview in a browser."""

from pathlib import Path

import chromium
import pytest
from opened import Reader
from reporting import Run, prompted, publish
from selenium import webdriver

from trig.prompting.best import CHOSEN
from trig.report import prompting

CAPTION, RECIPES = "Prompted models", "Recipes of tiny-turbo t2i"


@pytest.fixture(scope="module")
def told(ran: Run) -> Run:
    return prompted(ran)


def test_metrics_tell_cost_flag_and_changes(told: Run) -> None:
    found = told.contents.metrics["promptings"]
    assert isinstance(found, dict)
    assert (found["tiny-turbo"]["pictures"], found["tiny-turbo"]["flag"]) == (1_300, None)
    assert (found["tiny-dtm"]["pictures"], found["tiny-dtm"]["flag"]) == (1_500, CHOSEN)
    for one in found.values():
        assert (one["rewritten_pairs"]["pairs"], one["all_pairs"]["pairs"]) == (1, 42)
        assert one["all_pairs"]["low"] < one["all_pairs"]["change"] < one["all_pairs"]["high"]
    assert found["tiny-turbo"]["all_pairs"]["change"] == pytest.approx(-0.12, abs=0.02)


def test_the_summary_flags_what_was_chosen_by_the_judge_that_reports(told: Run, tmp_path: Path) -> None:
    publish(told.contents, tmp_path)
    summary = (tmp_path / "summary.md").read_text("utf-8")
    rows = [line for line in summary[summary.index("### Prompting") :].splitlines() if line.startswith("| <code>")]
    assert len(rows) == 4 and [CHOSEN in row for row in rows] == [False, False, True, True]


def test_without_a_prompted_model_nothing_is_said(ran: Run, tmp_path: Path) -> None:
    contents = ran.contents
    assert contents.digest.facts["promptings"] == [] and "promptings" not in contents.metrics
    assert prompting.lines([]) == []
    publish(contents, tmp_path)
    assert "### Prompting" not in (tmp_path / "summary.md").read_text("utf-8")


@chromium.needed
def test_the_overview_shows_both_and_the_recipes(browser: webdriver.Chrome, told: Run, tmp_path: Path) -> None:
    file = tmp_path / "index.html"
    file.write_text(told.html, "utf-8")
    reader = Reader(browser, file.as_uri())
    reader.screen()
    reader.load("overview")
    rows = [[shown for shown, _ in row] for row in reader.table(CAPTION)]
    assert [row[0] for row in rows] == ["tiny-turbo", "tiny-turbo", "tiny-dtm", "tiny-dtm"]
    assert [row[-1] for row in rows] == ["none", "none", CHOSEN, CHOSEN]
    assert [row[2] for row in rows[1:3]] == ["dtm, grammar: <tiny>", "best of 3 seeds"]
    recipes = {row[0][0]: row[2][0] for row in reader.table(RECIPES)}
    assert recipes == {"IQ-R_TA-S": "photo+bare", "TA-C_TA-S": "as it is"}
    reader.quiet()


@chromium.needed
def test_a_report_without_prompted_models_has_no_such_part(browser: webdriver.Chrome, ran: Run, tmp_path: Path) -> None:
    file = tmp_path / "index.html"
    file.write_text(ran.html, "utf-8")
    reader = Reader(browser, file.as_uri())
    reader.load("overview")
    assert "Prompting with the map" not in reader.texts("h2")
