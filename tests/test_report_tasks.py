"""A report of three tasks: maps of each and over all, sources beside results. Browser parts are skipped without Chromium."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import chromium
import polars as pl
import pytest
from chromium import STICKS_OUT
from lines import names
from opened import Reader
from reporting import THRESHOLDS, Run, run_of
from selenium import webdriver

from trig.classify.relations import relations
from trig.errors import PictureError, TableError
from trig.report import digest, originals
from trig.store import Store
from trig.tables.sources import Library
from trig.testing import factories
from trig.testing.factories import EVIL
from trig.vocabulary.about import ABOUT
from trig.vocabulary.dimensions import Pair, Task

PAIR = "TA-C_TA-S"
CELLS = """
const grid = [...document.querySelectorAll('[role=grid]')].find((one) => one.ariaLabel.startsWith(`${arguments[0]}.`));
return [...grid.querySelectorAll('[role=gridcell]')].map((one) => one.ariaLabel);
"""
LOADED = "return [...document.querySelectorAll(arguments[0])].map((one) => one.style.backgroundImage)"


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run of all 132 subsets, in which every instruction of an edit is hostile."""
    ran = run_of(tmp_path_factory.mktemp("three"), 4, 2, tasks=tuple(Task))
    few = THRESHOLDS.model_copy(update={"min_points": 3, "enough_points": 4})
    hostile = pl.when(pl.col("task") == "p2p").then(pl.lit(EVIL)).otherwise("prompt")
    return replace(ran, thresholds=few, relations=relations(ran.scores, few), prompts=ran.prompts.with_columns(prompt=hostile))


@pytest.fixture
def reader(browser: webdriver.Chrome, three: Run, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reader]:
    file = tmp_path_factory.getbasetemp() / "three.html"
    if not file.exists():
        file.write_text(three.html, "utf-8")
    reader = Reader(browser, file.as_uri())
    reader.screen()
    yield reader
    reader.quiet()


def shown(run: Run) -> pl.DataFrame:
    return originals.texts(run.sheets, run.prompts)


def pairs_of(run: Run) -> pl.DataFrame:
    """Samples that are shown of one pair."""
    names = {name for sheet in run.sheets if (sheet.task, sheet.pair) == ("p2p", PAIR) for name, _ in sheet.names}
    return pl.DataFrame({"data_id": sorted(names)})


def test_each_source_is_stored_once_under_its_hash(three: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    sources = shown(three)["source"].drop_nulls()
    assert 0 < sources.n_unique() < len(sources)
    monkeypatch.setattr(digest, "INSIDE", 0)
    _, beside = digest.digest(three.gathered)
    files = [name for name in beside if name.startswith("source-")]
    assert sorted(files) == sorted(f"source-{source}.webp" for source in sources.unique())
    assert all(beside[name][8:12] == b"WEBP" for name in files)


def test_a_source_that_is_not_there_or_no_picture_is_named(tmp_path: Path) -> None:
    torn = factories.Drawings()
    torn.files = {"0123": b"no picture"}
    with Store.open(tmp_path) as store:
        with pytest.raises(TableError, match=names(tmp_path, "0123", "`dvc pull`")):
            list(originals.draw(["0123"], Library(tmp_path), store))
        with pytest.raises(PictureError, match=r"source 0123: .*decoded"):
            list(originals.draw(["0123"], torn, store))


def test_a_run_of_texts_alone_has_no_sources(tmp_path: Path) -> None:
    frame = factories.run_prompts(2)
    assert originals.sources((), frame) == []
    with Store.open(tmp_path) as store:
        assert originals.drawn([], store) == {}


@chromium.needed
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (380, "dark")])
def test_source_and_result_stand_side_by_side_with_the_instruction(reader: Reader, width: int, scheme: str) -> None:
    reader.screen(width, scheme)
    for task in ("p2p", "s2p"):
        reader.go("pair", "tiny", PAIR, task=task)
        cards = reader.all(".card")
        assert len(cards) == 2 and len(reader.all(".card .original")) == 2
        assert task == "s2p" or reader.texts(".prompt") == [EVIL] * 2
        for card in cards:
            reader.see(card)
            left, right = (card.find_element("css selector", name).rect for name in (".original", ".thumb:not(.original)"))
            assert left["x"] + left["width"] <= right["x"] + 1 and abs(left["y"] - right["y"]) < 2
            assert card.text.startswith("source\nresult")
        reader.until(lambda: all(reader.script(LOADED, ".card .original")))
        assert reader.script(STICKS_OUT) == []
        reader.press(cards[0].find_element("css selector", "button"))
        assert len(reader.all("dialog .thumb")) == 2
        reader.press(reader.one("dialog button"))
    reader.go("pair", "tiny", PAIR)
    assert reader.all(".original") == [] and len(reader.all(".card")) == 2
    assert reader.all("main script, .prompt b") == []


@chromium.needed
def test_one_source_is_loaded_once(reader: Reader, three: Run) -> None:
    reader.load("pictures", "all", PAIR, task="p2p")
    reader.draw()
    for card in reader.all(".card"):
        reader.see(card)
    reader.until(lambda: all(reader.script(LOADED, ".card .original")))
    loaded = reader.script(LOADED, ".card .original")
    names = shown(three).filter(task="p2p").join(pairs_of(three), on="data_id")
    assert len(loaded) == 6 and len(set(loaded)) == names["source"].n_unique() < 6
    reader.go("compare", "tiny", "tiny-dtm", PAIR, task="p2p")
    assert {len(one.find_elements("css selector", "figure")) for one in reader.all(".couple")} == {3}


@chromium.needed
def test_the_first_page_is_over_all_tasks_and_each_task_has_its_own_maps(reader: Reader, three: Run) -> None:
    reader.load("overview")
    assert reader.one("#task").get_attribute("value") == "all"
    own = three.relations.filter(model="tiny")
    reader.choose("task", "p2p")
    reader.until(lambda: "task=p2p" in reader.hash and reader.script("return document.documentElement.dataset.ready === 'yes'"))
    cells = reader.script(CELLS, "Map of tiny")
    assert sum("nothing here" in cell for cell in cells) == 0 and own.filter(task="p2p").height == 45
    reader.go("overview", task="t2i")
    assert sum("nothing here" in cell for cell in reader.script(CELLS, "Map of tiny")) == 2 * (45 - own.filter(task="t2i").height)


@chromium.needed
def test_the_map_over_tasks_is_the_majority_of_the_tasks(reader: Reader, three: Run) -> None:
    found = three.relations.filter(model="tiny")
    reader.load("overview")
    cells = dict(cell.split(": ", 1) for cell in reader.script(CELLS, "Map of tiny"))
    for (pair,), rows in found.group_by("pair"):
        names = [ABOUT[side].name for side in (Pair.parse(str(pair)).x, Pair.parse(str(pair)).y)]
        votes = Counter(
            f"{row['relation']}{' towards ' + row['leaning'] if row['leaning'] else ''}"
            for row in rows.iter_rows(named=True)
            if row["relation"] != "too few"
        )
        most = [vote for vote, count in votes.items() if 2 * count > votes.total()]
        told = cells[" × ".join(names)]
        assert told.split(",")[0] == (most[0] if most else "nothing here"), pair


@chromium.needed
def test_the_pair_of_a_task_is_opened_from_what_names_it(reader: Reader) -> None:
    reader.load("overview")
    links = [link for link in reader.links(".glance p a") if "task=" in link]
    assert links and all("/pair/" in link for link in links)
    reader.browser.get(links[0])
    reader.until(lambda: reader.script("return document.documentElement.dataset.ready === 'yes'"))
    assert f"task={reader.one('#task').get_attribute('value')}" in links[0]
    assert reader.all("#verdict")


@chromium.needed
def test_the_first_screen_tells_what_is_traded_and_how_sure_that_is(reader: Reader, three: Run) -> None:
    reader.load("overview")
    rows = three.relations.filter(model="tiny")
    lines = [line.rect for line in reader.all(".glance > li")]
    assert len(lines) == 3 and max(line["y"] + line["height"] for line in lines) < 800
    assert reader.one(".whisker").rect["y"] < 800
    counts = [text.split(": ")[1] for text in reader.texts(".glance > li:first-child .tally li") if text]
    for name, told in zip(("synergy", "bottleneck", "tilt", "dispersion"), counts, strict=False):
        own = rows.filter(relation=name)
        assert told == f"{own.filter(evidence='supported').height} of {own.height}"
    reader.go("overview", enough_points=300)
    assert "Nothing is supported at 2 to 4 prompts a pair; 300 are needed." in reader.texts("[aria-label='At a glance'] > p")[0]
    assert all(text.startswith(("Closest", "No pair")) for text in reader.texts(".glance p"))
