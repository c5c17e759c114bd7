"""The page that raters fill in, in a real browser: by keyboard, by finger, on a phone, after a reload. Skipped where no Chromium is installed."""

import csv
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import chromium
import pytest
import reviewed
from chromium import STICKS_OUT
from opened import Reader
from selenium import webdriver
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from trig.annotate.review import verdicts
from trig.annotate.review.items import Item, Key, load
from trig.testing.factories import EVIL

pytestmark = chromium.needed
READY = "return document.documentElement.dataset.ready === 'yes'"
CHECKED = "return [...document.querySelectorAll('input:checked')].map((one) => one.id)"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A review of all three tasks, with a hostile prompt, one prompt twice and two gold items."""
    folder = tmp_path_factory.mktemp("review")
    (folder / "gold.csv").write_text(reviewed.GOLD, "utf-8")
    table, pictures = reviewed.with_pictures(folder)
    reviewed.export(folder / "out", table, "--source", pictures, "--gold", folder / "gold.csv", "--repeats", "0.2")
    return folder / "out"


@pytest.fixture
def key(place: Path) -> Key:
    return load(place / "key.json")


@pytest.fixture
def page(browser: webdriver.Chrome, place: Path) -> Iterator[Reader]:
    """A rater before the page, who never answered before; nothing is asked of the network, and nothing stands in the console."""
    page = Reader(browser, (place / "raters" / "review.html").as_uri())
    page.screen()
    opened(page)
    page.script("localStorage.clear()")
    page.asked()
    opened(page)
    yield page
    page.quiet()
    assert [address for address in page.asked() if not address.startswith(("data:", "blob:", page.home, "about:"))] == []


def opened(page: Reader) -> None:
    page.browser.get("about:blank")
    page.browser.get(page.home)
    page.until(lambda: page.script(READY))


def press(page: Reader, *keys: str) -> None:
    ActionChains(page.browser).send_keys(*keys).perform()


def show(page: Reader, number: int) -> None:
    """Go to an item by the buttons."""
    while (step := number - int(page.texts("#place")[0].split()[1])) != 0:
        page.press(page.one("#next" if step > 0 else "#back"))


def number_of(key: Key, prompt: str) -> int:
    return next(number for number, item in enumerate(key.items, 1) if item.prompt == prompt)


def plan(item: Item) -> reviewed.Answer:
    """What the rater answers, by the item."""
    if item.kind == "gold":
        return (
            reviewed.answer("reject", 1, "no", "no", 'odd, "very" odd') if item.known["verdict"] == "reject" else reviewed.answer(quality=5)
        )
    return reviewed.answer("accept", 1 + len(item.prompt) % 5, "yes", "yes" if item.task == "t2i" else "no")


def test_answers_by_keyboard_outlive_a_reload_and_are_the_file(page: Reader, key: Key, place: Path, tmp_path: Path) -> None:
    half = len(key.items) // 2
    for number, item in enumerate(key.items):
        if number == half:
            opened(page)
            assert page.texts("#place") == [f"Item {number + 1} of {len(key.items)}: {page.texts('#place')[0].split(': ')[1]}"]
            assert page.texts("#count") == [f"{number} of {len(key.items)} answered"]
        given = plan(item)
        press(page, given["concerns_x"][0], given["concerns_y"][0], given["quality"], given["verdict"][0].upper())
        if given["remark"]:
            press(page, Keys.ESCAPE)
            page.one("#remark").send_keys(given["remark"], Keys.CONTROL, Keys.ENTER)
            ActionChains(page.browser).key_up(Keys.CONTROL).perform()
        elif number < len(key.items) - 1:
            press(page, Keys.ENTER)
    opened(page)
    assert page.one("#done").is_displayed() and page.script("return document.getElementById('bar').value") == len(key.items)
    page.one("#save").click()
    assert page.texts("#status") == ["Write your name or initials first."]
    page.one("#rater").send_keys("Zoë, B./K.")
    saved = page.saved(tmp_path, "review-Zoë-B-K-.csv", page.one("#save").click)
    assert saved.startswith("\ufeff")
    rows = list(csv.DictReader(StringIO(saved.removeprefix("\ufeff"), newline="")))
    assert rows == [{"id": item.id, "rater": "Zoë, B./K.", **plan(item)} for item in key.items]
    ran = reviewed.review("import", tmp_path / "review-Zoë-B-K-.csv", "--key", place / "key.json", "--out", tmp_path / "out.csv")
    assert ran.exit_code == 0, ran.exception
    assert {one.verdict for one in (verdicts(tmp_path / "out.csv") or {}).values()} == {"accept", "open"}


def test_keys_go_back_change_an_answer_and_leave_the_remark_alone(page: Reader) -> None:
    press(page, "y", "n", "3", "r", Keys.ENTER)
    assert page.texts("#place")[0].startswith("Item 2 of") and page.script(CHECKED) == []
    ActionChains(page.browser).key_down(Keys.SHIFT).send_keys(Keys.ENTER).key_up(Keys.SHIFT).perform()
    assert page.script(CHECKED) == ["concerns_x-yes", "concerns_y-no", "quality-3", "verdict-reject"]
    press(page, "5", "a")
    page.one("#concerns_x-yes").send_keys("n")
    page.one("#quality-5").send_keys(Keys.ARROW_LEFT)
    page.one("#remark").send_keys("nay 1", Keys.ENTER, "r")
    opened(page)
    assert page.script(CHECKED) == ["concerns_x-no", "concerns_y-no", "quality-4", "verdict-accept"]
    assert page.script("return document.getElementById('remark').value") == "nay 1\nr"
    page.press(page.one("#open"))
    assert page.texts("#place")[0].startswith("Item 2 of")


def test_every_control_is_reached_by_tab(page: Reader) -> None:
    reached = []
    page.script("document.getElementById('place').focus()")
    for _ in range(9):
        press(page, Keys.TAB)
        reached.append(page.script("return document.activeElement.name || document.activeElement.id || document.activeElement.tagName"))
    assert reached == ["concerns_x", "concerns_y", "quality", "verdict", "remark", "open", "next", "rater", "save"]


def test_a_hostile_prompt_is_text(page: Reader, key: Key) -> None:
    show(page, number_of(key, EVIL))
    assert page.texts("#prompt") == [EVIL]
    assert page.browser.title == "Review of prompts"
    show(page, number_of(key, "This kite beside something to drink from"))
    assert page.texts("#item") == [f"kite {EVIL}"] and page.one("#picture").is_displayed()
    shown = page.script(
        "const one = document.getElementById('picture'); return [one.naturalWidth, one.naturalHeight, one.src.slice(0, 15)]"
    )
    assert shown == [23, 512, "data:image/webp"]
    show(page, number_of(key, EVIL))
    assert not page.one("#picture").is_displayed() and not page.one("#subject").is_displayed()
    page.script("document.body.append(Object.assign(document.createElement('script'), { textContent: 'document.title = 1' }))")
    assert page.browser.title == "Review of prompts"
    assert ["Content Security Policy" in entry["message"] for entry in page.browser.get_log("browser")] == [True]


@pytest.mark.parametrize(("width", "scheme"), [(320, "light"), (380, "dark"), (1280, "light")])
def test_nothing_sticks_out_on_any_screen(page: Reader, key: Key, width: int, scheme: str) -> None:
    page.screen(width, scheme)
    opened(page)
    for number in range(1, len(key.items) + 1):
        show(page, number)
        assert page.script("return document.documentElement.scrollWidth") <= width
        assert page.script(STICKS_OUT) == []
        small = [one.size for one in page.all(".options label, button") if one.is_displayed() and min(one.size.values()) < 44]
        assert small == []


def test_a_finger_answers_too(page: Reader) -> None:
    page.screen(380)
    for question, answer in (("concerns_x", "no"), ("concerns_y", "yes"), ("quality", "2"), ("verdict", "reject")):
        page.press(page.one(f"label:has(#{question}-{answer})"))
    assert page.script(CHECKED) == ["concerns_x-no", "concerns_y-yes", "quality-2", "verdict-reject"]
    assert page.texts("#count")[0].startswith("1 of ")


def test_two_tabs_keep_each_others_answers_and_another_rater_begins_anew(page: Reader) -> None:
    first = page.browser.current_window_handle
    page.browser.switch_to.new_window("tab")
    opened(page)
    page.press(page.one("#next"))
    press(page, "y", "y", "4", "a")
    page.browser.close()
    page.browser.switch_to.window(first)
    page.until(lambda: page.texts("#count")[0].startswith("1 of "))
    press(page, "y", "y", "4", "a")
    assert page.texts("#count")[0].startswith("2 of ")
    page.press(page.all("summary")[-1])
    page.press(page.one("#clear"))
    page.browser.switch_to.alert.dismiss()
    assert page.texts("#count")[0].startswith("2 of ")
    page.press(page.one("#clear"))
    page.browser.switch_to.alert.accept()
    opened(page)
    assert page.texts("#count")[0].startswith("0 of ") and page.script("return localStorage.length") == 0


def test_without_storage_the_page_warns_and_still_saves(page: Reader, key: Key, tmp_path: Path) -> None:
    page.script("Storage.prototype.setItem = () => { throw new Error('full'); }")
    press(page, "y", "n", "3", "r")
    assert page.one("#warning").is_displayed() and page.texts("#count")[0].startswith("1 of ")
    page.one("#rater").send_keys("=cy")
    rows = list(csv.DictReader(StringIO(page.saved(tmp_path, "review--cy.csv", page.one("#save").click).removeprefix("\ufeff"))))
    first = {
        "id": key.items[0].id,
        "rater": "'=cy",
        "concerns_x": "yes",
        "concerns_y": "no",
        "quality": "3",
        "verdict": "reject",
        "remark": "",
    }
    assert rows[0] == first and {row["verdict"] for row in rows[1:]} == {""}
    assert page.browser.find_element(By.ID, "status").text == f"Saved; {len(key.items) - 1} items are still open."
