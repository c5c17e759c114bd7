"""Shared fixtures and hooks: a browser, a report in it, and a vLLM server, which takes half a minute to start."""

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import workplace
from hypothesis import settings
from selenium import webdriver

from trig.run import garbage
from trig.testing.browser import started

if TYPE_CHECKING:
    from opened import Reader
    from reporting import Run

if "PYTEST_XDIST_WORKER" in os.environ:  # under xdist, one thread per worker and the programs it starts
    os.environ.setdefault("OMP_NUM_THREADS", "1")

garbage.seldom()
pytest_plugins = ["skips"]
settings.register_profile("slow machines", deadline=None)
settings.load_profile("slow machines")

LONGEST = (
    "test_pipeline",
    "test_sharing",
    "test_contract",
    "test_executors",
    "test_benchmarks",
    "test_gates",
    "test_finetune",
    "test_resume",
)
"""Longest files, scheduled first to balance the workers."""


def pytest_collection_modifyitems(items: list[pytest.Function]) -> None:
    """Puts the longest files first; each worker takes a file at a time."""
    items.sort(key=lambda item: LONGEST.index(item.path.stem) if item.path.stem in LONGEST else len(LONGEST))


def pytest_collection_finish() -> None:
    """Objects of what is imported by now are left out of garbage collections, which take half the time then."""
    gc.freeze()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """Chromium, one per module."""
    with started(tmp_path_factory.mktemp("profile")) as driver:
        yield driver


@pytest.fixture(scope="session")
def ran(tmp_path_factory: pytest.TempPathFactory) -> "Run":
    """Report on a synthetic run with uniformly coloured pictures and hostile texts."""
    import opened  # here and below: slow imports that most tests do not need

    return opened.run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="session")
def home(ran: "Run", tmp_path_factory: pytest.TempPathFactory) -> str:
    """Address of that report as a single page."""
    path = tmp_path_factory.mktemp("report") / "index.html"
    path.write_text(ran.html, "utf-8")
    return path.as_uri()


@pytest.fixture
def reader(browser: webdriver.Chrome, home: str) -> Iterator["Reader"]:
    """Browser session on that report; fails on console messages."""
    from opened import Reader

    reader = Reader(browser, home)
    reader.screen()
    yield reader
    reader.quiet()


HOME = Path(os.environ.get("TRIG_VLLM_HOME", Path.home() / ".cache/trig-vllm"))
"""Where `trig.testing.vllm.SERVE` builds vLLM for the CPU."""


@pytest.fixture(scope="session")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Path]]:
    """`trig serve`, starting vLLM for the CPU with settings for a small machine: its address, and its folder with a `log`."""
    from trig.testing import vllm

    if not vllm.SERVE.is_file():
        pytest.skip(f"there is no {vllm.SERVE} to build vLLM with")
    if not (HOME / "ready").is_file():
        subprocess.run(
            ["bash", vllm.SERVE, workplace.ROOT / workplace.WEIGHTS / "judge", "0", "--help"], stdout=subprocess.DEVNULL, check=True
        )
    program = HOME / "venv" / "bin" / "vllm"
    folder, port = tmp_path_factory.mktemp("served"), vllm.free_port()
    workplace.bench(folder, **{"judges__tiny-served__endpoints": [f"http://127.0.0.1:{port}/v1"]})
    fits = "--enforce-eager --max-num-seqs 32 --distributed-executor-backend uni --kv-cache-memory-bytes 134217728"
    environment = workplace.environment(
        PYTHONPATH=f"{vllm.SERVE.parent / 'shim'}{os.pathsep}{workplace.ROOT}",
        PYTHONPYCACHEPREFIX=str(HOME / "pycache"),
        OMP_NUM_THREADS="1",
        VLLM_ENABLE_V1_MULTIPROCESSING="0",
        VLLM_HOST_IP="127.0.0.1",
        VLLM_LOOPBACK_IP="127.0.0.1",
        GLOO_SOCKET_IFNAME="lo",
    )
    command = [sys.executable, "-m", "trig.cli", "serve", "--vllm", str(program), "--dtype", "float32", "--", *fits.split()]
    with vllm.running(command, port, folder, folder / "log", environment) as address:
        yield address, folder
    assert not vllm.healthy(address), "it must end when it is told to"
