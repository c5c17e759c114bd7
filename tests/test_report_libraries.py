"""The page's libraries are bundled once; another version is bundled anew, and a damaged bundle is not used."""

import sqlite3
from pathlib import Path

import pytest

from trig.report import libraries
from trig.store import FILE, Store


@pytest.fixture
def bundles(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What was bundled, in place of what takes a second."""
    made: list[str] = []

    def bundled() -> str:
        made.append(f"// bundle {len(made)}")
        return made[-1]

    monkeypatch.setattr(libraries, "bundled", bundled)
    return made


def test_they_are_bundled_once_for_each_version(bundles: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store.open(tmp_path) as store:
        assert [libraries.kept(store) for _ in range(2)] == ["// bundle 0"] * 2
        monkeypatch.setattr(libraries, "version", lambda _: "another")
        assert libraries.kept(store) == "// bundle 1"
    assert len(bundles) == 2


def test_a_damaged_bundle_is_made_anew(bundles: list[str], tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        libraries.kept(store)
    with sqlite3.connect(tmp_path / FILE) as file:
        assert file.execute("UPDATE rows SET payload = ? WHERE shelf = ?", (b"alert(1)", libraries.SHELF)).rowcount == 1
    with Store.open(tmp_path) as store:
        assert libraries.kept(store) == "// bundle 1" == bundles[-1]
