"""Settings of all tests, and the browser that some share."""

from collections.abc import Iterator

import chromium
import pytest
from hypothesis import settings
from selenium import webdriver

settings.register_profile("slow machines", deadline=None)
settings.load_profile("slow machines")


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """A Chromium for the tests of one file."""
    with chromium.started(tmp_path_factory.mktemp("profile")) as driver:
        yield driver
