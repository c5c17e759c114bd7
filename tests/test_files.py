"""Walking folders and writing files atomically."""

import os
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import lines
import pytest
import workplace

from trig.backends.cards import TUNING
from trig.backends.weights import description, linked, revision
from trig.errors import FileError, WeightsError
from trig.files import building, clear, rebuilding, replace, replacing, walk


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name in ("b/x.txt", "a.txt", "b/c/y.txt", ".hidden", ".folder/z.txt", "b/._y.txt"):
        (tmp_path / "here" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "here" / name).write_text(name)
    return tmp_path / "here"


def names(folder: Path, hidden: bool = False) -> list[str]:
    return [file.relative_to(folder).as_posix() for file in walk(folder, hidden)]


def test_a_walk_is_in_the_order_of_names_and_leaves_hidden_files_out(place: Path) -> None:
    assert names(place) == ["a.txt", "b/c/y.txt", "b/x.txt"]
    assert names(place, hidden=True) == [".folder/z.txt", ".hidden", "a.txt", "b/._y.txt", "b/c/y.txt", "b/x.txt"]


def test_a_walk_follows_links_to_folders_and_survives_loops(place: Path, tmp_path: Path) -> None:
    (tmp_path / "far" / "deep").mkdir(parents=True)
    (tmp_path / "far" / "deep" / "z.txt").write_text("far")
    (place / "link").symlink_to(tmp_path / "far")
    (tmp_path / "far" / "up").symlink_to(place)
    (place / "self").symlink_to(place)
    (place / "nowhere").symlink_to(tmp_path / "nothing")
    assert names(place) == ["a.txt", "b/c/y.txt", "b/x.txt", "link/deep/z.txt", "nowhere"]


def test_a_link_to_itself_is_a_link_to_nothing(place: Path) -> None:
    (place / "loop").symlink_to(place / "loop")
    (place / "long").symlink_to("x" * 300)
    assert names(place) == ["a.txt", "b/c/y.txt", "b/x.txt", "long", "loop"]


def test_folders_that_link_to_each_other_are_not_listed_in_every_order(tmp_path: Path) -> None:
    folders = [tmp_path / "here" / str(number) for number in range(9)]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "x.txt").write_text(folder.name)
    for folder in folders:
        for other in folders:
            (folder / f"to-{other.name}").symlink_to(other)
    found = walk(tmp_path / "here")
    assert {file.read_text() for file in found} == set("012345678") and len(found) < 9**3


def test_a_folder_that_two_links_lead_to_stands_under_both(place: Path, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "z.txt").write_text("z")
    for name in ("one", "two"):
        (place / name).symlink_to(tmp_path / "shared")
    assert names(place)[-2:] == ["one/z.txt", "two/z.txt"]


def test_what_is_no_file_is_not_read(place: Path) -> None:
    os.mkfifo(place / "pipe")
    assert "pipe" not in names(place)


def test_a_folder_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=lines.names(tmp_path / "nothing", "No such file")):
        walk(tmp_path / "nothing")


def test_new_weights_behind_a_link_are_other_weights(place: Path, tmp_path: Path) -> None:
    (tmp_path / "shared").mkdir()
    (tmp_path / "shared" / "model.safetensors").write_bytes(b"one")
    (place / "text_encoder").symlink_to(tmp_path / "shared")
    before = revision.__wrapped__(place)
    assert linked(place) == [place / "text_encoder"]
    (tmp_path / "shared" / "model.safetensors").write_bytes(b"two")
    assert revision.__wrapped__(place) != before
    (tmp_path / "shared" / "model.safetensors").write_bytes(b"one")
    assert revision.__wrapped__(place) == before


def test_weights_behind_a_link_to_nothing_are_named(place: Path) -> None:
    (place / "model.safetensors").symlink_to(place / "blobs" / "gone")
    with pytest.raises(WeightsError, match=lines.names(place / "model.safetensors", "No such file", "link")):
        revision.__wrapped__(place)


def test_writing_replaces_and_never_writes_into_a_hard_link(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("kept")
    os.link(tmp_path / "cache", tmp_path / "out.json")
    replace(tmp_path / "out.json", b"new")
    assert ((tmp_path / "cache").read_text(), (tmp_path / "out.json").read_text()) == ("kept", "new")
    replace(tmp_path / "deep" / "er" / "out.json", b"new")
    assert sorted(file.name for file in tmp_path.rglob("*")) == ["cache", "deep", "er", "out.json", "out.json"]


def test_what_fails_on_the_way_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "out").write_text("old")
    with suppress(KeyboardInterrupt), replacing(tmp_path / "out") as part:
        part.write_text("half")
        raise KeyboardInterrupt
    with pytest.raises(FileError, match=lines.names(tmp_path / "out", "No space left")), replacing(tmp_path / "out"):
        raise OSError(28, "No space left on device")
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [("out", "old")]


LIMITED = """
import resource, signal, sys
from pathlib import Path
import polars as pl
from safetensors.numpy import save_file
import numpy as np
from trig.errors import FileError
from trig.files import replacing

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
many = np.random.default_rng(0).random(10_000)
for write in (lambda part: pl.DataFrame({"x": many}).write_parquet(part), lambda part: save_file({"x": many}, part)):
    try:
        with replacing(Path("out")) as part:
            write(part)
    except FileError as error:
        print(error)
"""


def test_a_full_disk_is_a_line_from_every_library_that_writes(tmp_path: Path) -> None:
    """A file size limit simulates a full disk."""
    ran = workplace.python("-c", LIMITED, cwd=tmp_path)
    lines = ran.stdout.splitlines()
    assert len(lines) == 2 and all(line.startswith("out: it cannot be written (") for line in lines), ran.stderr
    assert not list(tmp_path.iterdir())


def test_a_bug_while_writing_keeps_its_traceback(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), replacing(tmp_path / "out"):
        1 / 0  # noqa: B018


def test_a_folder_is_cleared_but_for_some_names(place: Path) -> None:
    (place / "link").symlink_to(place / "b")
    clear(place, but={"a.txt", ".hidden"})
    assert sorted(path.name for path in place.iterdir()) == [".hidden", "a.txt"]


def test_an_entry_of_the_zoo_names_its_engine_where_that_counts_and_how_it_was_tuned(tmp_path: Path) -> None:
    (tmp_path / "adapter.safetensors").write_bytes(b"1")
    plain, keyed = (description(str(tmp_path), "models.x.needs", str(tmp_path), counts) for counts in (False, True))
    assert set(plain) == {"needs", "revision"} and set(keyed) == {"needs", "revision", "engine"}
    (tmp_path / TUNING).write_text('{"base": "tiny"}')
    revision.cache_clear()
    tuned = description(str(tmp_path), "models.x.needs", str(tmp_path), engine_in_key=False)
    assert tuned["tuning"] == {"base": "tiny"} and tuned["revision"] != plain["revision"]
    (tmp_path / TUNING).write_text("{")
    with pytest.raises(WeightsError, match=lines.names(tmp_path / TUNING, "`dvc repro`")):
        description(str(tmp_path), "models.x.needs", str(tmp_path), engine_in_key=False)


def test_new_weights_below_an_adapter_are_another_model(tmp_path: Path) -> None:
    for name in ("adapter", "weights"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(b"1")
    before = description(str(tmp_path / "adapter"), "models.x", str(tmp_path / "weights"), engine_in_key=False)
    (tmp_path / "weights" / "model.safetensors").write_bytes(b"2")
    revision.cache_clear()
    after = description(str(tmp_path / "adapter"), "models.x", str(tmp_path / "weights"), engine_in_key=False)
    assert after["revision"] == before["revision"] and after["weights"] != before["weights"]


def contents(folder: Path) -> dict[str, str]:
    return {file.relative_to(folder).as_posix(): file.read_text() for file in walk(folder, hidden=True)}


@pytest.mark.parametrize("call", ["exchange", "two renames"])
def test_a_folder_is_replaced_whole_and_hard_links_keep_their_bytes(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if call == "two renames":
        monkeypatch.setattr("ctypes.CDLL", lambda _: None)
    (tmp_path / "cache").write_text("kept")
    (tmp_path / "out").mkdir()
    os.link(tmp_path / "cache", tmp_path / "out/a")
    with rebuilding(tmp_path / "out") as part:
        (part / "b").write_text("new")
        assert contents(tmp_path / "out") == {"a": "kept"}
    assert contents(tmp_path) == {"cache": "kept", "out/b": "new"}
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "out"]


def test_a_link_to_a_folder_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "far").mkdir()
    (tmp_path / "out").symlink_to(tmp_path / "far")
    with rebuilding(tmp_path / "out") as part:
        (part / "b").write_text("new")
    assert (tmp_path / "out").is_symlink() and contents(tmp_path / "far") == {"b": "new"}


@pytest.mark.parametrize("make", [building, rebuilding])
def test_a_folder_that_fails_on_the_way_leaves_what_was_there(make: Callable[[Path], AbstractContextManager[Path]], tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    with suppress(KeyboardInterrupt), make(tmp_path / "out") as part:
        (part / "half").write_text("half")
        raise KeyboardInterrupt
    with pytest.raises(FileError, match=lines.names(tmp_path / "out", "No space left")), make(tmp_path / "out"):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.rglob("*")) == [tmp_path / "out"]


ALTERNATING = """
from itertools import count
from pathlib import Path
from trig.files import rebuilding
for turn in count():
    with rebuilding(Path("out")) as part:
        for name in "abcdefgh":
            (part / name).write_text(str(turn))
    print(turn, flush=True)
"""


def test_a_folder_is_whole_after_a_kill(tmp_path: Path) -> None:
    for wait in (3, 20, 41):
        running = subprocess.Popen([sys.executable, "-c", ALTERNATING], cwd=tmp_path, stdout=subprocess.PIPE, text=True)
        assert running.stdout
        for _ in range(wait):
            running.stdout.readline()
        running.kill()
        running.wait()
        running.stdout.close()
        found = contents(tmp_path / "out")
        assert sorted(found) == list("abcdefgh") and len(set(found.values())) == 1
