"""A skipped test is a failure where CI is set."""

from pathlib import Path

import pytest
import workplace

FILE = """
import pytest

def test_sound(): pass

@pytest.mark.skip(reason="there is no moon")
def test_of_the_moon(): pass

@pytest.fixture
def sun(): pytest.skip("there is no sun")

def test_of_the_sun(sun): pass
"""


@pytest.mark.parametrize("more", [(), ("--numprocesses", "2")])
@pytest.mark.parametrize(("ci", "code"), [("", 0), ("true", 1)])
def test_a_skipped_test_fails_where_none_may_be(ci: str, code: int, more: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(FILE, "utf-8")
    ran = workplace.python("-m", "pytest", "-p", "skips", "-q", *more, cwd=tmp_path, CI=ci, PYTHONPATH=str(workplace.ROOT / "tests"))
    assert ran.returncode == code, ran.stdout
    assert [line for line in ran.stdout.splitlines() if " skipped" in line and "there is no" in line] == [
        f"1 skipped{'; with CI set, none may be' if ci else ''}: there is no {what} (test_it.py::test_of_the_{what} first)"
        for what in ("moon", "sun")
    ]
