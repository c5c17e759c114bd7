"""Page object of the report in a browser: navigation, thresholds, and what is shown."""

import csv
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from hashlib import blake2b
from io import BytesIO, StringIO
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import numpy as np
import polars as pl
from PIL import Image
from reporting import THRESHOLDS, Run, run_of
from selenium import webdriver
from selenium.common.exceptions import ElementClickInterceptedException
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import Select, WebDriverWait

from trig import tables
from trig.classify.relations import relations
from trig.classify.samples import rooted
from trig.report import sheets
from trig.report.facts.digest import Gate
from trig.report.measures import Pixels
from trig.store import Store
from trig.tables.images import IMAGES
from trig.testing import factories

ROWS, PICTURES = 24, 12
ID = f"IQ-R_IQ-O_1{factories.EVIL}"
"""Sample id shown for every model; hostile too."""
READY = "return document.documentElement.dataset.ready === 'yes'"
CHARTS = "return [...document.querySelectorAll('.chart')]"
TABLE = """
return [...document.querySelectorAll('table')].find((one) => one.parentElement.ariaLabel === arguments[0])
  .querySelectorAll('tbody tr').values().map((row) => [...row.cells].map((cell) => [cell.textContent, cell.dataset.value ?? null])).toArray();
"""
CARDS = """
return [...document.querySelectorAll('.card')].map((card) => [
  card.querySelector('.prompt').textContent, ...[...card.querySelectorAll('.scores b, .where')].map((one) => one.textContent)]);
"""
SLIDE = """
document.documentElement.dataset.ready = 'not yet';
const control = document.getElementById(`limit-${arguments[0]}`);
control.value = arguments[1];
control.dispatchEvent(new Event(control.type === 'range' ? 'input' : 'change', { bubbles: true }));
"""


def run(root: Path) -> Run:
    """Synthetic run with uniformly coloured pictures, in which every external text is hostile."""
    ran = run_of(root, ROWS, PICTURES)
    painted(root / "plain", ran)
    with Store.open(root / "plain" / "work") as store:
        list(sheets.draw(ran.sheets, root / "plain", store))
        drawn = sheets.drawn(ran.sheets, store)
    first = min(set.intersection(*(set(shown(ran, model, "IQ-R_IQ-O")) for model in ran.models)))
    renamed = pl.col("data_id").replace({first: ID})
    hostile = pl.when(pl.col("data_id") == ID).then(pl.lit(factories.EVIL)).otherwise("prompt")
    prompts = ran.prompts.with_columns(renamed).with_columns(prompt=hostile)
    sheets_shown = tuple(
        replace(sheet, names=tuple((ID if name == first else name, number) for name, number in sheet.names)) for sheet in ran.sheets
    )
    reason = pl.when(pl.col("expected").is_null()).then(pl.lit(factories.EVIL))
    gates = (*ran.gates, Gate("images/tiny", False, 3, (factories.EVIL, "too dark"), notes=("cut prompts", factories.EVIL)))
    scores = rooted(ran.scores.drop("root").with_columns(renamed, reason=reason), prompts)
    found, pixels = relations(scores, THRESHOLDS), Pixels(*(frame.with_columns(renamed) for frame in ran.pixels))
    return replace(ran, prompts=prompts, scores=scores, relations=found, sheets=sheets_shown, pictures=drawn, gates=gates, pixels=pixels)


def colour(model: str, data_id: str) -> tuple[int, int, int]:
    """Uniform colour of a picture."""
    red, green, blue = blake2b(f"{model} {data_id}".encode(), digest_size=3).digest()
    return red, green, blue


def painted(folder: Path, ran: Run) -> None:
    for sheet in ran.sheets:
        place = {"model": sheet.model, "task": sheet.task, "pair": sheet.pair}
        rows = [
            {**place, "data_id": name, "number": number, "image": {"bytes": plain(colour(sheet.model, name)), "path": None}}
            | {"seed": 1, "width": 64, "height": 64, "status": "ok", "key": name}
            for name, number in sheet.names
        ]
        shard = pl.DataFrame(rows, schema=dict(IMAGES.columns))
        tables.write(shard, IMAGES, folder / sheet.model / sheet.task / f"{sheet.pair}.parquet")


def shown(ran: Run, model: str, pair: str) -> tuple[str, ...]:
    """Ids of the pictured samples, in order."""
    return next((tuple(name for name, _ in sheet.names) for sheet in ran.sheets if (sheet.model, sheet.pair) == (model, pair)), ())


def plain(shade: tuple[int, int, int]) -> bytes:
    packed = BytesIO()
    Image.new("RGB", (64, 64), shade).save(packed, "PNG")
    return packed.getvalue()


def alike(png: bytes, shade: tuple[int, int, int]) -> bool:
    """Whether a thumbnail shows this colour only, in the middle and near each edge."""
    pixels = np.asarray(Image.open(BytesIO(png)).convert("RGB"), dtype=int)
    down, across = ([int(share * side) for share in (0.08, 0.5, 0.92)] for side in pixels.shape[:2])
    return bool((np.abs(pixels[np.ix_(down, across)] - shade) < 14).all())


class Reader:
    """Browser session on a report; fails on console messages unless asked for."""

    def __init__(self, browser: webdriver.Chrome, home: str) -> None:
        self.browser, self.home = browser, home

    def screen(self, width: int = 1280, scheme: str = "light", media: str = "screen") -> None:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": media, "features": features})

    def until(self, holds: Callable[[], Any]) -> Any:
        return WebDriverWait(self.browser, 20, 0.03).until(lambda _: holds())

    def script(self, text: str, *given: object) -> Any:
        return self.browser.execute_script(text, *given)

    def load(self, *path: str, **limits: object) -> None:
        """Reloads the report at a page."""
        self.browser.get("about:blank")
        self.browser.get(f"{self.home}{address(path, limits)}")
        self.until(lambda: self.script(READY))

    def go(self, *path: str, **limits: object) -> None:
        """Navigates within the open report."""
        there = address(path, limits)
        if self.browser.current_url.startswith(self.home) and self.hash != there:
            self.waiting(lambda: self.script("location.hash = arguments[0]", there))
        else:
            self.load(*path, **limits)

    def waiting(self, act: Callable[[], object]) -> None:
        """Performs an action that re-renders the page, and waits for it."""
        self.script("document.documentElement.dataset.ready = 'not yet'")
        act()
        self.until(lambda: self.script(READY))

    @property
    def hash(self) -> str:
        return str(self.script("return location.hash"))

    def set(self, name: str, value: object) -> None:
        """Moves a slider or chooses an option in the threshold panel."""
        self.script(SLIDE, name, value)
        self.until(lambda: self.script(READY))

    def choose(self, control: str, value: str) -> None:
        Select(self.browser.find_element(By.ID, control)).select_by_value(value)

    def quiet(self) -> None:
        """Asserts that the console is empty."""
        assert self.browser.get_log("browser") == []

    def see(self, element: WebElement) -> None:
        """Scrolls an element into the middle of the viewport."""
        self.script("arguments[0].scrollIntoView({ behavior: 'instant', block: 'center' })", element)

    def press(self, element: WebElement) -> None:
        """Clicks once the element has stopped moving."""
        self.see(element)

        def pressed(_: webdriver.Chrome) -> bool:
            element.click()
            return True

        WebDriverWait(self.browser, 20, 0.03, (ElementClickInterceptedException,)).until(pressed)

    def draw(self) -> list[WebElement]:
        """Scrolls through every chart, so that all are drawn."""
        charts: list[WebElement] = self.script(CHARTS)
        for chart in charts:
            self.see(chart)
            self.until(partial(chart.get_attribute, "data-drawn"))
        return charts

    def one(self, selector: str) -> WebElement:
        return self.browser.find_element(By.CSS_SELECTOR, selector)

    def all(self, selector: str) -> list[WebElement]:
        return self.browser.find_elements(By.CSS_SELECTOR, selector)

    def texts(self, selector: str) -> list[str]:
        found: list[str] = self.script("return [...document.querySelectorAll(arguments[0])].map((one) => one.textContent)", selector)
        return found

    def links(self, selector: str) -> list[str]:
        found: list[str] = self.script("return [...document.querySelectorAll(arguments[0])].map((one) => one.href)", selector)
        return found

    def table(self, caption: str) -> list[list[tuple[str, str | None]]]:
        """Cells of a table: text and sort value."""
        return [[(shown, value) for shown, value in row] for row in self.script(TABLE, caption)]

    def cards(self) -> list[list[str]]:
        """Prompt, both scores and region of each picture in the gallery."""
        found: list[list[str]] = self.script(CARDS)
        return found

    def until_cards(self, want: list[list[str]]) -> None:
        self.until(lambda: self.cards() == want)

    def asked(self) -> list[str]:
        """Requested addresses since the last call."""
        events = [json.loads(entry["message"])["message"] for entry in self.browser.get_log("performance")]
        sent = [event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"]
        return sent + [event["params"]["url"] for event in events if event["method"] == "Network.webSocketCreated"]

    def saved(self, folder: Path, name: str, act: Callable[[], object]) -> str:
        """Text of the file that an action downloads."""
        return self.saved_bytes(folder, name, act).decode("utf-8")

    def saved_bytes(self, folder: Path, name: str, act: Callable[[], object]) -> bytes:
        """The file that an action downloads; empty at first."""
        behaviour = {"behavior": "allow", "downloadPath": str(folder)}
        self.browser.execute_cdp_cmd("Browser.setDownloadBehavior", behaviour)
        act()
        path = folder / name
        self.until(lambda: path.exists() and path.stat().st_size)
        return path.read_bytes()


def address(path: Sequence[str], limits: Mapping[str, object]) -> str:
    query = f"?{urlencode(limits)}" if limits else ""
    return f"#/{'/'.join(quote(part, safe='') for part in path)}{query}"


def rows(text: str) -> list[dict[str, str]]:
    """Rows of a CSV file."""
    return list(csv.DictReader(StringIO(text)))


def towards(row: Mapping[str, Any]) -> str:
    return f"{row['relation']}{' towards ' + row['leaning'] if row['leaning'] else ''}"


def by_pair(found: pl.DataFrame, model: str, task: str = "t2i") -> dict[str, dict[str, Any]]:
    own: Iterable[dict[str, Any]] = found.filter(model=model, task=task).iter_rows(named=True)
    return {row["pair"]: row for row in own}
