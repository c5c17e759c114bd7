"""A real browser for tests of the report. Tests that want it are skipped where no Chromium is installed."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
MISSING = "no Chromium with its chromedriver: apt-get install chromium chromium-driver"
needed = pytest.mark.skipif(not (PROGRAM and DRIVER), reason=MISSING)
FLAGS = (
    *("headless", "no-sandbox", "disable-gpu", "no-first-run", "disable-background-networking"),
    *("disable-component-update", "disable-sync", "disable-dev-shm-usage"),
)


@contextmanager
def started(profile: Path) -> Iterator[webdriver.Chrome]:
    """A browser with an empty profile."""
    options = Options()
    options.binary_location = str(PROGRAM)
    for flag in [*FLAGS, f"user-data-dir={profile}"]:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with webdriver.Chrome(options=options, service=Service(str(DRIVER))) as driver:
        yield driver


def script_page(folder: Path, script: str, body: str = "") -> str:
    """The address of a page with a script of the report, as the report's page embeds it, and nothing else but `body`."""
    code = files("trig.report").joinpath("web", script).read_text("utf-8")
    page = folder / "page.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>page</title>{body}<script>{code}</script>', "utf-8"
    )
    return page.as_uri()
