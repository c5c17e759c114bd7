"""Large reports with lazily loaded assets, and network requests of any report. Skipped without Chromium."""

import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import chromium
import opened
import polars as pl
import pytest
from opened import Reader, by_pair, towards
from reporting import THRESHOLDS, Run
from selenium import webdriver

from trig.classify.relations import relations
from trig.cli.report import HOST, Pages, Server
from trig.report import digest, stills

pytestmark = chromium.needed
PAIR = "IQ-R_TA-S"
PAGES = ("overview", "model", "pair", "compare", "pictures", "judge", "gates", "methods")
LOADED = "return [...document.querySelectorAll('script[src]')].map((one) => one.src.split('/').at(-1)).sort()"
THUMBS = "return [...document.querySelectorAll('.thumb')].map((one) => one.style.backgroundImage || one.textContent)"


def two_tasks(ran: Run) -> Run:
    """The run with a second task, with inverted scores and no pictures."""
    other = ran.scores.with_columns(
        task=pl.lit("p2p").cast(ran.scores.schema["task"]),
        expected=1 - pl.col("expected"),
        key="p2p/" + pl.col("key"),
        image_key="p2p/" + pl.col("image_key"),
    )
    scores = pl.concat([ran.scores, other])
    return replace(ran, scores=scores, relations=relations(scores, THRESHOLDS.model_copy(update={"bootstraps": 0})))


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return two_tasks(opened.run(tmp_path_factory.mktemp("run")))


@pytest.fixture(scope="module")
def folder(ran: Run, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Report too large for a single page."""
    path = tmp_path_factory.mktemp("reports")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(digest, "INSIDE", 1000)
        for still in ("maps", "dimensions"):
            patch.setattr(stills, still, lambda _: b"")
        ran.write(path)
    return path


@pytest.fixture(autouse=True)
def _fresh(browser: webdriver.Chrome) -> None:
    Reader(browser, "").screen()
    browser.get_log("browser")
    browser.get_log("performance")


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Address at which `trig report` serves a folder."""
    with Server((HOST, 0), partial(Pages, directory=str(folder))) as server:
        threading.Thread(target=partial(server.serve_forever, poll_interval=0.01), daemon=True).start()
        yield f"http://{HOST}:{server.server_port}/"
        server.shutdown()


def assert_own(asked: list[str], own: str) -> None:
    """Every request is same-origin."""
    kinds = (own, "data:", "blob:", "about:")
    assert asked
    assert [address for address in asked if not address.startswith(kinds)] == []


def look_around(reader: Reader) -> None:
    for name in PAGES:
        reader.go(name)
        reader.draw()
        reader.script("document.querySelector('.thumb')?.scrollIntoView({ behavior: 'instant', block: 'center' })")
        reader.until(lambda: all("url(" in one for one in reader.script(THUMBS)[:1]))
    reader.go("model", "tiny", synergy=0.7)


def test_files_are_loaded_when_somebody_looks(browser: webdriver.Chrome, folder: Path) -> None:
    reader = Reader(browser, (folder / "index.html").as_uri())
    reader.load("overview")
    assert reader.script(LOADED) == []
    reader.go("pair", "tiny-turbo", PAIR)
    assert reader.script(LOADED) == ["points-1-t2i.js", "samples-t2i.js"]
    look_around(reader)
    assert reader.script(LOADED) == ["draws-t2i.js", "moves-t2i.js", *(f"points-{n}-t2i.js" for n in range(3)), "samples-t2i.js"]
    reader.quiet()
    assert_own(reader.asked(), "file:///")
    assert (folder / "index.html").stat().st_size < 5 << 20


def test_the_files_are_served(browser: webdriver.Chrome, folder: Path) -> None:
    with served(folder) as address:
        reader = Reader(browser, address)
        reader.load("overview")
        look_around(reader)
        reader.quiet()
        asked = reader.asked()
        assert_own(asked, address)
        assert {f"{address}files/points-0-t2i.js", f"{address}files/sheet-0-t2i-{PAIR}.webp"} <= set(asked)
        reader.browser.get("about:blank")


def test_a_page_that_holds_everything_asks_for_nothing_more(browser: webdriver.Chrome, ran: Run, tmp_path: Path) -> None:
    path = tmp_path / "index.html"
    path.write_text(ran.html, "utf-8")
    reader = Reader(browser, path.as_uri())
    reader.load("overview")
    look_around(reader)
    reader.quiet()
    asked = reader.asked()
    assert_own(asked, path.as_uri())
    assert any(address.startswith("blob:") for address in asked)


def test_pictures_beside_the_page_are_those_of_their_samples(browser: webdriver.Chrome, ran: Run, folder: Path) -> None:
    reader = Reader(browser, (folder / "index.html").as_uri())
    reader.load("pictures", "tiny-dtm", PAIR)
    names = opened.shown(ran, "tiny-dtm", PAIR)
    for thumb, name in zip(reader.all(".thumb"), names, strict=True):
        reader.see(thumb)
        reader.until(partial(reader.script, "return arguments[0].style.backgroundImage", thumb))
        assert opened.alike(thumb.screenshot_as_png, opened.colour("tiny-dtm", name)), name


def test_each_task_has_its_own_map(browser: webdriver.Chrome, ran: Run, folder: Path) -> None:
    reader = Reader(browser, (folder / "index.html").as_uri())
    reader.load("model", "tiny")
    reader.waiting(lambda: reader.choose("task", "p2p"))
    assert reader.hash == "#/model?task=p2p"
    for limits in ({}, {"synergy": 0.7, "bottleneck": 0.3}):
        reader.go("model", "tiny", task="p2p", **limits)
        changed = THRESHOLDS.model_copy(update={**limits, "bootstraps": 0})
        want = by_pair(relations(ran.scores, changed), "tiny", "p2p")
        assert {row[0][1]: row[1][1] for row in reader.table("Pairs of tiny p2p")} == {pair: towards(row) for pair, row in want.items()}
    assert all("task=p2p" in link for link in reader.links("nav a"))
    reader.go("pair", "tiny", PAIR, task="p2p")
    assert reader.texts(".gallery-count") == ["No picture fits this choice."]
    reader.go("judge")
    assert reader.all("#task") == []  # it is about all tasks together
    reader.quiet()


@pytest.fixture
def broken(folder: Path, tmp_path: Path) -> Path:
    """Disposable copy of the report."""
    return Path(shutil.copytree(folder, tmp_path / "broken"))


@pytest.mark.parametrize("damage", ["missing", "damaged"])
def test_a_missing_or_damaged_file_is_one_clear_line(browser: webdriver.Chrome, broken: Path, damage: str) -> None:
    file = broken / "files/points-1-t2i.js"
    whole = file.read_bytes()
    reader = Reader(browser, (broken / "index.html").as_uri())
    if damage == "missing":
        file.unlink()
        line = "files/points-1-t2i.js is not beside this page; keep the folder files together with index.html"
    else:
        file.write_bytes(whole[: len(whole) // 2])
        line = "files/points-1-t2i.js cannot be read; write the report anew"
    for path, limits in ((("pair", "tiny-turbo", PAIR), {}), (("model", "tiny"), {"synergy": 0.7})):
        reader.load(*path, **limits)
        assert (reader.texts("h1"), reader.texts("main p")) == (["This cannot be shown"], [line])
    reader.go("pair", "tiny", PAIR)
    assert reader.texts("h1") == ["IQ-R Realism × TA-S Style"]
    reader.load("pair", "tiny-turbo", PAIR)
    file.write_bytes(whole)
    reader.go("methods")
    reader.go("pair", "tiny-turbo", PAIR)
    assert reader.texts("h1") == ["IQ-R Realism × TA-S Style"]


def test_missing_pictures_say_which_file_they_lie_in(browser: webdriver.Chrome, broken: Path) -> None:
    name = f"sheet-0-t2i-{PAIR}.webp"
    (broken / "files" / name).unlink()
    reader = Reader(browser, (broken / "index.html").as_uri())
    reader.load("pictures", "tiny", PAIR)
    reader.script("document.querySelector('.cards').scrollIntoView({ behavior: 'instant' })")
    line = f"files/{name} is not beside this page; keep the folder files together with index.html"
    reader.until(lambda: reader.script(THUMBS)[0] == line)
    assert "Uncaught" not in " ".join(entry["message"] for entry in browser.get_log("browser"))
