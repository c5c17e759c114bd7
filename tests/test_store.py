"""Work store: payloads survive kills, concurrent writers and damaged rows, or are absent."""

import errno
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import workplace
from hypothesis import given
from hypothesis import strategies as st
from lines import names
from typer import Typer
from typer.testing import CliRunner

from trig import store as stores
from trig.cli.store import store as store_command
from trig.errors import StoreClosedError, StoreError
from trig.store import Progress, Shelf, Store, fill, trainings

HERE = Path(__file__).parent.parent
FILL = """
import sys, time
from pathlib import Path
from trig.store import Store, fill
root, name, rows, pause = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4])
def compute(batch):
    for place, number in enumerate(batch):
        time.sleep(pause)
        yield place, f"{number:>64}".encode() * 50
with Store.open(root) as store:
    print("open", flush=True)
    for progress in fill(store, name, {f"{n:032x}": n for n in range(rows)}, compute, 4):
        print(progress.done, progress.reused, flush=True)
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store.open(tmp_path) as opened:
        yield opened


def child(root: Path, shelf: str, rows: int, pause: float) -> "subprocess.Popen[str]":
    """Process that fills a shelf, pausing `pause` seconds per row."""
    return subprocess.Popen(
        [sys.executable, "-c", FILL, str(root), shelf, str(rows), str(pause)], cwd=HERE, stdout=subprocess.PIPE, text=True
    )


def payload(number: int) -> bytes:
    """Payload the child computes for a number."""
    return f"{number:>64}".encode() * 50


def doubled(batch: list[int]) -> Iterator[tuple[int, bytes]]:
    return ((place, str(2 * number).encode()) for place, number in enumerate(batch))


def test_what_was_put_in_comes_out_in_the_order_asked_for(store: Store) -> None:
    store.put("images", {"a": b"1", "b": b"", "c": b"\x00"})
    assert list(store.get("images", ["c", "a", "x", "c"]).items()) == [("c", b"\x00"), ("a", b"1")]
    assert store.known("images", ["a", "b", "x"]) == {"a", "b"}
    assert store.get("scores", ["a"]) == {}


@given(st.lists(st.dictionaries(st.text("ab", min_size=1, max_size=3), st.binary(max_size=9)), max_size=6))
def test_the_last_payload_of_a_key_counts_as_in_a_dictionary(batches: list[dict[str, bytes]]) -> None:
    plain: dict[str, bytes] = {}
    with Store(sqlite3.connect(":memory:", isolation_level=None), Path("memory")) as opened:
        opened._connection.execute(stores.SCHEMA)
        for batch in batches:
            opened.put("images", batch)
            plain |= batch
        assert opened.get("images", plain) == plain
        assert opened.size() == ({"images": Shelf(len(plain), sum(map(len, plain.values())))} if plain else {})


def test_more_keys_than_one_query_takes(store: Store) -> None:
    items = {f"{number:032x}": str(number).encode() for number in range(2 * stores.ASK + 1)}
    store.put("images", items)
    assert store.get("images", items) == items


def test_a_row_that_was_tampered_with_is_absent(store: Store) -> None:
    store.put("images", {"torn": b"whole payload", "moved": b"one", "text": b"two", "sound": b"three"})
    with sqlite3.connect(store.path) as other:
        other.execute("UPDATE rows SET payload = x'77' WHERE key = 'torn'")
        other.execute("UPDATE rows SET key = 'elsewhere' WHERE key = 'moved'")
        other.execute("UPDATE rows SET payload = 'two' WHERE key = 'text'")
    other.close()
    keys = ["torn", "moved", "elsewhere", "text", "sound"]
    assert store.known("images", keys) == {"sound"}
    assert store.get("images", keys) == {"sound": b"three"}


def test_fill_computes_only_what_is_missing_and_says_how_far_it_is(store: Store) -> None:
    store.put("sums", {"k1": b"2", "k2": b"torn"})
    with sqlite3.connect(store.path) as other:
        other.execute("UPDATE rows SET payload = x'00' WHERE key = 'k2'")
    other.close()
    seen: list[list[int]] = []

    def compute(batch: list[int]) -> Iterator[tuple[int, bytes]]:
        seen.append(batch)
        return reversed([*doubled(batch)])

    steps = list(fill(store, "sums", {f"k{number}": number for number in range(1, 6)}, compute, 3))
    assert seen == [[2, 3, 4, 5]]
    assert steps == [Progress(5, 1, 0, 0), Progress(5, 1, 3, 0), Progress(5, 1, 4, 0)]
    assert steps[-1].done == 5
    assert store.get("sums", ["k1", "k2", "k5"]) == {"k1": b"2", "k2": b"4", "k5": b"10"}


def test_fill_asks_again_for_what_came_to_nothing(store: Store) -> None:
    wanted = {"odd": 1, "even": 2}
    first = list(fill(store, "sums", wanted, lambda batch: ((place, b"yes" if n % 2 == 0 else None) for place, n in enumerate(batch)), 8))[
        -1
    ]
    assert first == Progress(2, 0, 1, 1)
    assert store.known("sums", wanted) == {"even"}
    assert list(fill(store, "sums", wanted, doubled, 8))[-1] == Progress(2, 1, 1, 0)


def test_fill_keeps_what_finished_before_an_error(store: Store) -> None:
    def compute(batch: list[int]) -> Iterator[tuple[int, bytes]]:
        for place, number in enumerate(batch):
            yield place, str(10 // number).encode()

    with pytest.raises(ZeroDivisionError):
        list(fill(store, "sums", {"a": 5, "b": 2, "c": 1, "d": 0}, compute, 2))
    assert store.known("sums", "abcd") == {"a", "b", "c"}


def test_fill_commits_slow_work_every_second(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "COMMIT_SECONDS", 0.0)
    steps = list(fill(store, "sums", {"a": 1, "b": 2}, doubled, 100))
    assert [step.computed for step in steps] == [0, 1, 2, 2]


@pytest.mark.parametrize("stop", range(1, 11))
def test_fill_commits_whole_batches_where_a_payload_may_depend_on_its_batch(
    stop: int, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever a run stops, the next one computes the batches of an undisturbed run."""
    monkeypatch.setattr(stores, "COMMIT_SECONDS", -1.0)
    wanted = {f"{number}": number for number in range(10)}

    def compute(left: list[int], stop: int = 99) -> Iterator[tuple[int, bytes]]:
        for start in range(0, len(left), 4):
            batch = left[start : start + 4]
            for place, number in enumerate(batch, start):
                if number == stop:
                    raise KeyboardInterrupt
                yield place, f"{number} of {batch}".encode()

    with pytest.raises(KeyboardInterrupt) if stop < 10 else nullcontext():
        list(fill(store, "sums", wanted, partial(compute, stop=stop), 4, whole=True))
    list(fill(store, "sums", wanted, compute, 4, whole=True))
    with Store.passing() as quiet:
        list(fill(quiet, "sums", wanted, compute, 4, whole=True))
        assert store.get("sums", wanted) == quiet.get("sums", wanted)


def test_fill_refuses_an_answer_too_few(store: Store) -> None:
    with pytest.raises(ValueError, match=names("sums", 2, 1)):
        list(fill(store, "sums", {"a": 5, "b": 2}, lambda _: [(0, b"only one")], 2))
    assert store.known("sums", "ab") == {"a"}


def test_kill_nine_at_random_moments_costs_at_most_a_batch(tmp_path: Path) -> None:
    moments, rows, kept = random.Random(1), 120, 0
    for _ in range(8):
        process = child(tmp_path, "images", rows, 0.004)
        assert process.stdout is not None
        assert process.stdout.readline() == "open\n"
        time.sleep(moments.uniform(0, 0.12))
        process.send_signal(signal.SIGKILL)
        told = process.communicate()[0].splitlines()
        with Store.open(tmp_path) as store:
            found = store.get("images", (f"{n:032x}" for n in range(rows)))
        assert found == {f"{n:032x}": payload(n) for n in range(len(found))}
        assert len(found) >= max([kept, *(int(line.split()[0]) for line in told if line.count(" "))])
        kept = len(found)
    assert kept
    last = child(tmp_path, "images", rows, 0.0).communicate()[0].splitlines()
    assert last[1] == f"{kept} {kept}"
    with Store.open(tmp_path) as store:
        assert store.get("images", (f"{n:032x}" for n in range(rows))) == {f"{n:032x}": payload(n) for n in range(rows)}


def test_two_writers_and_a_reader_share_a_file(tmp_path: Path) -> None:
    writers = [child(tmp_path, shelf, 300, 0.0) for shelf in ("images", "scores", "images")]
    while any(writer.poll() is None for writer in writers):
        with Store.open(tmp_path) as store:
            store.get("images", (f"{n:032x}" for n in range(300)))
    assert [writer.wait() for writer in writers] == [0, 0, 0]
    for writer in writers:
        writer.communicate()
    with Store.open(tmp_path) as store:
        assert {name: shelf.rows for name, shelf in store.size().items()} == {"images": 300, "scores": 300}
        assert store.get("scores", (f"{n:032x}" for n in range(300))) == {f"{n:032x}": payload(n) for n in range(300)}


def test_prune_drops_what_no_run_has_used(store: Store) -> None:
    store.put("images", {"old": b"x" * 2**20, "new": b"y"})
    with sqlite3.connect(store.path) as other:
        other.execute("UPDATE rows SET used = used - 1000")
    other.close()
    list(fill(store, "images", {"new": 1}, doubled, 1))
    before = store.path.stat().st_size
    assert store.prune(500) == 1
    assert store.known("images", ["old", "new"]) == {"new"}
    assert store.path.stat().st_size < before / 2 or before < 2**20
    assert store.prune(0) == 1
    assert store.size() == {}


@pytest.mark.parametrize("begin", [Store.open, Store.look])
def test_a_damaged_file_is_told_in_one_line(begin: Callable[[Path], Store], tmp_path: Path) -> None:
    (tmp_path / stores.FILE).write_bytes(b"this is not a database" * 100)
    with pytest.raises(StoreError, match=names(tmp_path / stores.FILE, "damaged", tmp_path / f"{stores.FILE}*")) as told:
        begin(tmp_path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize("begin", [Store.open, Store.look])
def test_a_folder_in_the_place_of_the_file_is_told(begin: Callable[[Path], Store], tmp_path: Path) -> None:
    (tmp_path / stores.FILE).mkdir()
    with pytest.raises(StoreError, match=names(tmp_path / stores.FILE, "used", tmp_path / f"{stores.FILE}*")):
        begin(tmp_path)


def test_a_file_without_a_store_in_it_is_looked_at_as_empty(tmp_path: Path) -> None:
    (tmp_path / stores.FILE).touch()
    with Store.look(tmp_path) as nothing:
        assert nothing.size() == {}


def test_who_looks_at_a_store_that_is_locked_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stores, "BUSY_SECONDS", 0.05)
    Store.open(tmp_path).close()
    with closing(sqlite3.connect(tmp_path / stores.FILE, isolation_level=None)) as other:
        other.execute("PRAGMA journal_mode=DELETE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(StoreError, match=names(tmp_path / stores.FILE, "another program", "database is locked")):
            Store.look(tmp_path)


def read_back(place: Path, rows: int) -> dict[str, bytes] | StoreError:
    """Payloads of a possibly damaged store, or its error."""
    try:
        with Store.open(place) as store:
            return store.get("images", (f"{n:032x}" for n in range(rows)))
    except StoreError as error:
        return error


def test_damage_inside_the_file_is_told_and_never_handed_out(tmp_path: Path) -> None:
    with Store.open(tmp_path) as store:
        store.put("images", {f"{n:032x}": payload(n) for n in range(200)})
        store.prune(1e9)
    file = tmp_path / stores.FILE
    sound = file.read_bytes()
    for page in range(1, len(sound) // 4096, 7):
        file.write_bytes(sound[: page * 4096] + os.urandom(4096) + sound[(page + 1) * 4096 :])
        found = read_back(tmp_path, 200)
        if isinstance(found, StoreError):
            assert "is damaged" in str(found)
        else:
            assert all(found[key] == payload(int(key, 16)) for key in found)


def test_a_folder_that_cannot_be_made_is_told_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match=names(tmp_path / "file/work" / stores.FILE, "Not a directory")):
        Store.open(tmp_path / "file" / "work")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (sqlite3.OperationalError("attempt to write a readonly database"), "nothing may be written here"),
        (PermissionError(errno.EACCES, "Permission denied"), "nothing may be written here"),
        (OSError(errno.EROFS, "Read-only file system"), "nothing may be written here"),
        (OSError(errno.ENOSPC, "No space left on device"), "the disk is full"),
        (sqlite3.OperationalError("database or disk is full"), "the disk is full"),
        (sqlite3.OperationalError("database is locked"), "another program holds the work store"),
        (sqlite3.OperationalError("disk I/O error"), "the work store cannot be used"),
    ],
)
def test_what_keeps_the_store_from_being_used_is_told_as_it_is(
    error: Exception, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(sqlite3, "connect", fail)
    with pytest.raises(StoreError) as told:
        Store.open(tmp_path)
    assert said in str(told.value) and ("space" in str(told.value)) == ("full" in said)
    assert isinstance(told.value, StoreClosedError) == (said == "nothing may be written here")


def test_a_store_that_is_only_looked_at_is_not_made_and_not_changed(tmp_path: Path) -> None:
    with Store.look(tmp_path / "none") as nothing:
        assert (nothing.size(), nothing.path) == ({}, tmp_path / "none" / stores.FILE)
    assert not (tmp_path / "none").exists()
    with Store.open(tmp_path) as store:
        store.put("images", {"a": b"x"})
        with Store.look(tmp_path) as seen:
            assert seen.known("images", ["a", "b"]) == {"a"}
            with pytest.raises(StoreError, match=names(tmp_path / stores.FILE, "readonly", "DVC_ROOT")):
                seen.put("images", {"b": b"y"})


NOBODY = """
import os
from typer import Typer
from typer.testing import CliRunner
from trig.run.edge import edge
from trig.cli import store
app = Typer()
app.command()(store.store)
CliRunner().invoke(app, ["--json"])
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
with edge():
    app()
"""
"""`trig store` of a user without write permission; imports happen beforehand."""


def test_commands_that_write_nothing_need_no_writable_folder() -> None:
    with TemporaryDirectory() as folder:
        place = Path(folder) / ".trig" / "work"
        with Store.open(place) as store:
            store.put("images", {"a": b"x"})
        for each, mode in ((place / stores.FILE, 0o444), (place, 0o555), (place.parent, 0o555), (Path(folder), 0o555)):
            each.chmod(mode)
        asked = workplace.python("-c", NOBODY, cwd=HERE, DVC_ROOT=folder)
        assert (asked.returncode, asked.stderr) == (0, "")
        assert "images" in asked.stdout
        refused = workplace.python("-c", NOBODY, "--prune", "0", cwd=HERE, DVC_ROOT=folder)
        assert "nothing may be written here" in refused.stderr
        for each in (Path(folder), place.parent, place):
            each.chmod(0o755)


CLOSED = """
import os
from pathlib import Path
from trig.errors import StoreClosedError
from trig.store import Store
if os.geteuid() == 0:
    os.setgid(65534)
    os.setuid(65534)
try:
    Store.open()
except StoreClosedError as error:
    print(error)
"""


def test_a_file_that_may_not_be_written_is_told_when_it_is_opened() -> None:
    with TemporaryDirectory() as folder:
        place = Path(folder) / ".trig" / "work"
        Store.open(place).close()
        (place / stores.FILE).chmod(0o444)
        for each in (Path(folder), place.parent, place):
            each.chmod(0o777)
        asked = workplace.python("-c", CLOSED, cwd=HERE, DVC_ROOT=folder)
        assert "nothing may be written here" in asked.stdout, asked.stderr


def test_home_follows_dvc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    inner = tmp_path / "project" / "deep"
    inner.mkdir(parents=True)
    (tmp_path / "project" / ".dvc").mkdir()
    monkeypatch.delenv("DVC_ROOT", raising=False)
    monkeypatch.chdir(inner)
    assert stores.home() == tmp_path / "project" / ".trig" / "work"
    monkeypatch.setenv("DVC_ROOT", str(tmp_path / "original"))
    assert stores.home() == tmp_path / "original" / ".trig" / "work"
    monkeypatch.delenv("DVC_ROOT")
    monkeypatch.chdir(tmp_path)
    assert stores.home() == tmp_path / ".trig" / "work"


def test_the_command_shows_and_prunes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    app = Typer()
    app.command()(store_command)
    with Store.open() as store:
        store.put("images", {"a": b"x" * 3 * 2**20})
    shown = CliRunner().invoke(app, [])
    assert shown.exit_code == 0
    assert shown.output.splitlines()[1].split() == ["images", "1", "rows", "3.0", "MB"]
    trainings().mkdir()
    (trainings() / "stopped.safetensors").write_bytes(b"x" * 2**20)
    assert CliRunner().invoke(app, []).output.splitlines()[2].split() == ["checkpoints", "1", "rows", "1.0", "MB"]
    assert "dropped 0 rows" in CliRunner().invoke(app, ["--prune", "1"]).output
    assert "dropped 2 rows" in CliRunner().invoke(app, ["--prune", "0"]).output
    assert CliRunner().invoke(app, []).output.splitlines()[1:] == ["empty"]
    assert CliRunner().invoke(app, ["--prune", "-1"]).exit_code == 2


def test_payloads_move_to_another_shelf_or_are_dropped() -> None:
    with Store.passing() as store:
        store.put("a", {str(number): b"x" for number in range(1200)})
        store.move("a", "b", [str(number) for number in range(1100)] + ["unknown"])
        assert (store.size()["a"].rows, store.size()["b"].rows) == (100, 1100)
        assert store.get("b", ["7"]) == {"7": b"x"}
        store.drop("b", ["7"])
        assert store.known("b", ["7", "8"]) == {"8"}
