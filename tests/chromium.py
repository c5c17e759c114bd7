"""Browser equipment for tests of the report, which are skipped without Chromium."""

from importlib.resources import files
from pathlib import Path

import pytest

from trig.testing.browser import INSTALLED, MISSING

needed = pytest.mark.skipif(not INSTALLED, reason=MISSING)

STICKS_OUT = """
const wide = document.documentElement.clientWidth;
return [...document.querySelectorAll('body *')].filter((one) => {
  const box = one.getBoundingClientRect();
  return box.width && box.right > wide + 1 && !one.closest('.scroll, .unseen, .skip');
}).map((one) => `${one.tagName} ${one.className} ${one.getBoundingClientRect().right}`);
"""
"""Elements that reach beyond the right edge of the screen."""


def script_page(folder: Path, script: str, body: str = "") -> str:
    """Address of a page with an empty body and one of the report's scripts, embedded as in the report."""
    code = files("trig.report").joinpath("web", script).read_text("utf-8")
    page = folder / "page.html"
    page.write_text(
        f'<!doctype html><meta charset="utf-8"><link rel="icon" href="data:,"><title>page</title>{body}<script>{code}</script>', "utf-8"
    )
    return page.as_uri()
