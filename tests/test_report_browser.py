"""The report in a real browser, at laptop and phone width, light and dark. Skipped where no Chromium is installed."""

from pathlib import Path

import chromium
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait
from synthetic import EVIL
from test_report import contents_of

from trig.report import page

pytestmark = chromium.needed
MARKS = "svg .mark-group, svg .mark-symbol path, svg .mark-rect path"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("report")
    path = root / "index.html"
    path.write_text(page.render(contents_of(root, per_pair=12)), "utf-8")
    return path


def show(browser: webdriver.Chrome, report: Path, width: int = 1280, scheme: str = "light") -> None:
    """Open the page and wait until its charts are drawn; no message may be left in the console."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})
    browser.get(report.as_uri())
    WebDriverWait(browser, 60).until(lambda driver: driver.execute_script("return document.documentElement.dataset.ready") == "yes")
    assert browser.get_log("browser") == []


def choose(browser: webdriver.Chrome, control: str, value: str) -> None:
    Select(browser.find_element(By.ID, control)).select_by_value(value)


def cards(browser: webdriver.Chrome) -> list[str]:
    """The text of the pictures' cards."""
    return [card.text for card in browser.find_elements(By.CSS_SELECTOR, "#gallery-cards .card")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 380])
def test_every_chart_is_drawn_and_nothing_sticks_out(browser: webdriver.Chrome, report: Path, width: int, scheme: str) -> None:
    show(browser, report, width, scheme)
    charts = browser.find_elements(By.CSS_SELECTOR, ".chart")
    assert len(charts) == 9
    assert all(len(chart.find_elements(By.CSS_SELECTOR, MARKS)) > 1 for chart in charts)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_a_hostile_prompt_is_shown_as_text(browser: webdriver.Chrome, report: Path) -> None:
    show(browser, report)
    choose(browser, "gallery-pair", "IQ-R_IQ-O")
    assert any(EVIL in text for text in cards(browser))
    assert browser.title == "Dimension Trade-off Map"
    assert browser.find_elements(By.CSS_SELECTOR, "#gallery-cards script") == []


def test_the_gallery_filters_and_sorts(browser: webdriver.Chrome, report: Path) -> None:
    show(browser, report)
    assert len(cards(browser)) == 24
    for control, value in [("gallery-pair", "IQ-R_TA-S"), ("gallery-model", "tiny-turbo"), ("gallery-sort", "y")]:
        choose(browser, control, value)
    shown = cards(browser)
    assert len(shown) == 12
    assert all("tiny-turbo" in text and "TA-S Style" in text for text in shown)
    values = [float(text.split("TA-S Style\n")[1].split("\n")[0]) for text in shown if "missing" not in text]
    assert values == sorted(values)
    choose(browser, "gallery-region", "R_S")
    assert all("R_S" in text for text in cards(browser))
    assert len(cards(browser)) < 12


def test_more_pictures_come_on_demand(browser: webdriver.Chrome, report: Path) -> None:
    show(browser, report)
    browser.execute_script("document.getElementById('gallery-more').click()")
    assert len(cards(browser)) == 48
    assert browser.find_element(By.ID, "gallery-count").text == "48 of 1512 pictures"


def test_choosing_a_pair_draws_its_points_and_says_why(browser: webdriver.Chrome, report: Path) -> None:
    show(browser, report)
    choose(browser, "pair-model", "tiny-dtm")
    choose(browser, "pair-pair", "TA-C_TA-S")
    drawn = "return document.querySelectorAll('#scatter .mark-symbol path[aria-label*=sample]').length"
    expected = "#reasons li"
    titles = "return document.getElementById('scatter').textContent"
    WebDriverWait(browser, 10).until(lambda driver: "TA-S Style" in driver.execute_script(titles))
    told = [reason.text for reason in browser.find_elements(By.CSS_SELECTOR, expected)]
    samples = next(int(text.split(" samples")[0]) for text in told if " samples: " in text)
    assert browser.execute_script(drawn) == samples
    browser.execute_script("document.getElementById('pair-pictures').click()")
    assert all("tiny-dtm" in text and "TA-C Content" in text for text in cards(browser))


def test_a_cell_of_the_map_opens_its_pair(browser: webdriver.Chrome, report: Path) -> None:
    show(browser, report)
    cell = "document.querySelector('[data-chart=matrix-1] path[aria-label*=IQ-A_R-B]')"
    browser.execute_script(f"{cell}.dispatchEvent(new MouseEvent('click', {{bubbles: true}}))")
    assert browser.find_element(By.ID, "pair-model").get_attribute("value") == "tiny-turbo"
    assert browser.find_element(By.ID, "pair-pair").get_attribute("value") == "IQ-A_R-B"


def test_controls_have_names_and_take_the_keyboard(browser: webdriver.Chrome, report: Path) -> None:
    show(browser, report)
    controls = [*browser.find_elements(By.TAG_NAME, "select"), *browser.find_elements(By.TAG_NAME, "button")]
    assert all(control.accessible_name for control in controls if control.is_displayed())
    model = browser.find_element(By.ID, "pair-model")
    model.send_keys("tiny-t")
    assert model.get_attribute("value") == "tiny-turbo"
    assert browser.switch_to.active_element == model
