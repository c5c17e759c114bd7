"""Progress without a terminal: counts, rate, time left, and the memory of the fullest GPU."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from trig.run import gpus
from trig.run.display import Pace, bar

SMI = "#!/bin/sh\necho '81920, 1024, Idle'\necho '81920, 40960, Busy'\nsleep 1\n"


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with the driver of a GPU, and no program that asks it."""
    monkeypatch.setattr(gpus, "GPU", tmp_path / "driver")
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    (tmp_path / "driver").touch()
    return tmp_path


def program(place: Path, text: str) -> None:
    (place / "nvidia-smi").write_text(text, "utf-8")
    (place / "nvidia-smi").chmod(0o755)


def slow(seconds: float) -> Iterator[tuple[int, int]]:
    for done in (4, 8, 12):
        yield done, 12
        time.sleep(seconds)


def test_the_fullest_gpu_is_told(driver: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program(driver, SMI)
    assert [card.used for card in gpus.cards()] == [2**30, 40 * 2**30]
    bar("generate tiny", slow(1.2), "pictures")
    first, *_, last = capsys.readouterr().err.splitlines()
    assert first.startswith("generate tiny: 4 of 12")
    assert "pictures/s" in last and last.endswith("GPU 42.9 of 86 GB)")


@pytest.mark.parametrize("text", ["", "#!/bin/sh\nexit 9\n", "#!/bin/sh\necho '[N/A], [N/A], MIG'\n"])
def test_a_driver_that_does_not_answer_is_no_gpu(driver: Path, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    if text:
        program(driver, text)
    assert gpus.cards() == []
    bar("generate tiny", slow(0.01))
    assert "GPU" not in capsys.readouterr().err


def test_what_came_from_the_cache_is_no_speed(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter((100.0, 102.0, 7300.0, 7400.0))
    monkeypatch.setattr("trig.run.display.time.monotonic", lambda: next(clock))
    pace = Pace("pictures")
    assert pace.told(900, 1000) == [], "the first count is of what was known"
    assert pace.told(901, 1000) == ["0.5 pictures/s", "3 min left"]
    assert pace.told(910, 1000) == ["0.00139 pictures/s", "18 h 0 min left"]
    assert pace.told(1000, 1000) == ["0.0137 pictures/s"]
