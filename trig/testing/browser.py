"""Headless Chromium, and the load time of the report's first page."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from selenium import webdriver
from selenium.common.exceptions import TimeoutException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.support.ui import WebDriverWait

from trig.testing.programs import FailedError

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
INSTALLED = bool(PROGRAM and DRIVER)
MISSING = "no Chromium with its chromedriver: apt-get install chromium chromium-driver"
FLAGS = (
    *("headless", "no-sandbox", "disable-gpu", "no-first-run", "disable-background-networking"),
    *("disable-component-update", "disable-sync", "disable-dev-shm-usage"),
)
SHOWN = """
document.querySelector('.chart')?.scrollIntoView({ behavior: 'instant', block: 'center' });
return document.documentElement.dataset.ready === 'yes' && document.querySelector('[data-drawn]') !== null;
"""
"""Whether the page is ready and a chart is drawn; charts are drawn when scrolled into view."""
LIMIT = 60


@contextmanager
def started(profile: Path) -> Iterator[webdriver.Chrome]:
    """Browser with an empty profile."""
    options = Options()
    options.binary_location = str(PROGRAM)
    for flag in [*FLAGS, f"user-data-dir={profile}"]:
        options.add_argument(f"--{flag}")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    with webdriver.Chrome(options=options, service=Service(str(DRIVER))) as driver:
        yield driver


def first_page(report: Path) -> float:
    """Seconds from navigation until the first page is ready and its first chart drawn, in a running browser.

    Raises FailedError after a minute.
    """
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile, started(Path(profile)) as driver:
        began = time.monotonic()
        driver.get(report.resolve().as_uri())
        try:
            WebDriverWait(driver, LIMIT, poll_frequency=0.02).until(lambda _: driver.execute_script(SHOWN))
        except TimeoutException:
            raise FailedError(f"{report}: no chart was drawn on the first page within {LIMIT} s") from None
        return time.monotonic() - began
