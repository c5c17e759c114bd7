"""Contact sheets: which pictures they show, and that the page shows the right one in each cell."""

from dataclasses import replace
from functools import partial

import chromium
import pytest
from opened import Reader, alike, colour
from reporting import Run
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from trig.report import contacts
from trig.report.sheets import Sheet


def sheet(model: str, pair: str, *names: str) -> Sheet:
    return Sheet(model, "t2i", pair, tuple((name, 0) for name in names), tuple(f"{model} {name}" for name in names))


def loaded(cell: WebElement) -> bool:
    return "blob:" in cell.value_of_css_property("background-image")


def test_models_are_shown_by_the_same_prompts() -> None:
    both = [sheet(model, "IQ-R_IQ-O", *"abcdef", model) for model in ("one", "two")]
    one, two = contacts.pick(both)
    names = [name for _, (name, _) in one.cells]
    assert (one.model, two.model) == ("one", "two") and names == [name for _, (name, _) in two.cells]
    assert sorted(names) == list("abcdef"), "a model's own extremes are no sample of it"
    assert names != sorted(names), "the order is drawn by lot"
    assert contacts.pick(both[::-1]) == [one, two]


def test_every_pair_is_shown_and_pictures_are_few(ran: Run) -> None:
    pairs = {found.pair for found in ran.sheets}
    for found in contacts.pick(ran.sheets):
        assert [cell.pair for cell, _ in found.cells] == sorted(pairs) and len(found.cells) == contacts.CELLS


def test_models_without_a_prompt_in_common_show_their_own() -> None:
    one, two = contacts.pick([sheet("one", "IQ-R_IQ-O", "a"), sheet("two", "IQ-R_IQ-O", "b")])
    assert ([name for _, (name, _) in one.cells], [name for _, (name, _) in two.cells]) == (["a"], ["b"])
    assert contacts.pick([]) == []


@chromium.needed
def test_a_cell_shows_its_own_picture_and_opens_it(reader: Reader, ran: Run) -> None:
    reader.load("contact")
    assert reader.texts("h2") == list(ran.models)
    lists = reader.all(".contact")
    for found, drawn in zip(sorted(contacts.pick(ran.sheets), key=lambda each: ran.models.index(each.model)), lists, strict=True):
        cells = drawn.find_elements(By.CSS_SELECTOR, ".thumb")
        for (_, (name, _)), cell in list(zip(found.cells, cells, strict=True))[::9]:
            reader.see(cell)
            reader.until(partial(loaded, cell))
            assert alike(cell.screenshot_as_png, colour(found.model, name)), name
    prompt = str(cells[-1].get_attribute("aria-label")).partition(": ")[2]
    reader.press(cells[-1])
    reader.until(lambda: reader.all("dialog[open]"))
    assert reader.texts("dialog > p")[0] == prompt


@chromium.needed
def test_what_the_gate_counted_stands_below_the_sheet(reader: Reader) -> None:
    reader.load("contact")
    assert "too dark" in reader.texts("section > .fine")


@pytest.mark.parametrize("kept", [True, False])
def test_contact_sheets_are_there_where_pictures_are(ran: Run, kept: bool) -> None:
    found = ran if kept else replace(ran, sheets=())
    assert set(found.contents.digest.facts["contacts"]) == ({"0-t2i", "1-t2i", "2-t2i"} if kept else set())
    assert ("part-contact-0-t2i" in found.html) == kept
