"""Tuned models in the report: what they amount to is said first, by both scorers, and what went astray is told."""

from pathlib import Path

import chromium
import pytest
from opened import Reader
from reporting import Run, proven, publish
from selenium import webdriver


@pytest.fixture(scope="module")
def told(ran: Run) -> Run:
    return proven(ran, stopped="at step 40 dark has moved")


def test_metrics_tell_verdicts_and_what_went_astray(told: Run) -> None:
    found = told.contents.metrics["proofs"]
    assert isinstance(found, dict)
    one = found["tiny-dtm"]
    assert (one["base"], one["pairs"], one["collapsed"], one["stopped"]) == ("tiny", ["IQ-R_TA-S"], True, "at step 40 dark has moved")
    eye = {code: row["eye"] for code, row in one["dimensions"].items()}
    assert eye["IQ-R"] == pytest.approx(0.1) and eye["TA-C"] == pytest.approx(-0.05)
    assert one["dimensions"]["TA-C"]["verdict"] in {"worsened", "cannot tell"}


def test_the_first_paragraph_says_what_is_repaired_and_at_what_price(told: Run, tmp_path: Path) -> None:
    publish(told.contents, tmp_path)
    summary = (
        (tmp_path / "summary.md").read_text("utf-8").replace("&#45;", "-").replace("&#46;", ".").replace("&#43;", "+").replace("&#95;", "_")
    )
    first = summary.split("\n\n")[1]
    for said in (
        "tiny-dtm",
        "IQ-R_TA-S",
        "Realism",
        "+0.100 by the second eye",
        "At a price:",
        "Content",
        "-0.050 by the second eye",
        "more alike",
        "ended early: at step 40",
    ):
        assert said in first, said
    assert "### <code>tiny-dtm</code> beside" in summary


def test_the_judge_alone_repairs_nothing(ran: Run) -> None:
    both = proven(ran, gain=-0.2)
    (one,) = both.contents.digest.facts["proofs"]
    assert not one["repaired"] and "does not show that it repairs" in one["said"][0]


def test_without_a_tuned_model_nothing_is_said(ran: Run, tmp_path: Path) -> None:
    contents = ran.contents
    assert contents.digest.facts["proofs"] == [] and "proofs" not in contents.metrics
    publish(contents, tmp_path)
    assert "At a price" not in (tmp_path / "summary.md").read_text("utf-8")


@chromium.needed
def test_the_page_shows_verdicts_monitors_and_other_ways(browser: webdriver.Chrome, told: Run, tmp_path: Path) -> None:
    file = tmp_path / "index.html"
    file.write_text(told.html, "utf-8")
    reader = Reader(browser, file.as_uri())
    reader.screen()
    reader.load("overview")
    (one,) = told.contents.digest.facts["proofs"]
    assert all(said in browser.page_source.replace("&lt;", "<") for said in one["said"])
    reader.go("compare", "tiny", "tiny-dtm")
    reader.draw()
    rows = reader.table("Before and after tiny-dtm t2i")
    assert len(rows) == len(one["rows"])
    assert {row[2][0][2:] for row in rows} == {row["verdict"] for row in one["rows"]}
    monitors = reader.table("Monitors of tiny-dtm t2i")
    assert [row[-1][0][:11] for row in monitors if "Diversity" in row[0][0]] == ["▼ collapsed"]
    assert reader.table("Other ways to change tiny")[0][0][0] == "tiny-dtm"
