"""A real browser for tests of the report. Tests that want it are skipped where no Chromium is installed."""

from importlib.resources import files
from pathlib import Path

import pytest

from trig.testing.browser import INSTALLED, MISSING

needed = pytest.mark.skipif(not INSTALLED, reason=MISSING)


def script_page(folder: Path, script: str, body: str = "") -> str:
    """The address of a page with a script of the report, as the report's page embeds it, and nothing else but `body`."""
    code = files("trig.report").joinpath("web", script).read_text("utf-8")
    page = folder / "page.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>page</title>{body}<script>{code}</script>', "utf-8"
    )
    return page.as_uri()
