"""The chaos harness on a run of one stage: clean ends are found clean, and a wrong product is not."""

from collections.abc import Iterator
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest

from benchmarks.chaos import programs
from benchmarks.chaos.kinds import killed, stale_lock
from benchmarks.chaos.programs import Ended, Program, UncleanError
from benchmarks.chaos.rounds import Kind, Round, rounds
from benchmarks.chaos.valve import valve
from benchmarks.chaos.world import Mortal, World, made
from trig.cli.leftovers import RWLOCK
from trig.testing.remotes import s3
from trig.testing.servers import Stub, running


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with made(tmp_path_factory.mktemp("chaos"), only=("params",)) as found:
        yield found


def planted(game: Round) -> None:
    """A product that ends with other results."""
    game.begin()
    file = game.folder / "params.yaml"
    file.write_text(file.read_text("utf-8").replace("width: 16", "width: 24", 1), "utf-8")


def cut_lock(game: Round) -> None:
    """What a kill in the middle of DVC's own write leaves."""
    game.begin()
    (game.folder / ".dvc/tmp").mkdir(exist_ok=True)
    (game.folder / RWLOCK).write_text('{"write": {"/pa', "utf-8")


def test_a_clean_end_is_clean_and_a_wrong_product_makes_a_round_fail(world: World) -> None:
    kinds = [killed("both"), Kind("stale lock", stale_lock), Kind("cut lock", cut_lock), Kind("planted", planted)]
    told = {each.kind: each for each in rounds(world, kinds, 7, range(len(kinds)), 600)}
    assert {name for name, each in told.items() if each.wrong} == {"planted"}, told
    assert "data/models" in str(told["planted"].wrong)
    assert [name for name, each in told.items() if f"`rm {RWLOCK}`" in each.note] == ["cut lock"]
    assert not list((world.home / "rounds").glob("*/*"))


def test_a_round_is_the_same_under_its_seed_and_every_stage_is_killed(tmp_path: Path) -> None:
    stages = {"annotate": 2.0, "generate@stub": 4.0, "judge@stub": 3.0, "report": 1.0}
    dead = Mortal(Stub())
    world, kinds = (
        World(tmp_path, dead, dead, stages),
        [*(killed(who) for who in ("stage", "fork", "dvc", "both")), Kind("stale lock", stale_lock)],
    )
    games = [[Round(world, seed, number, kinds) for number in range(8)] for seed in (7, 7, 8)]
    once, again, other = ([(each.kind.name, each.stage, each.dice.random()) for each in some] for some in games)
    assert once == again != other
    assert {stage for kind, stage, _ in once if "kill" in kind} == stages.keys()


@pytest.mark.parametrize(
    ("code", "said", "wrong"),
    [
        (0, "", "exit code 0"),
        (2, "", "0 lines"),
        (2, "error: the disk is full", ""),
        (2, "error: the disk is full\nerror: and more", "2 lines"),
        (1, "error: the disk is full\nTraceback (most recent call last):", "traceback"),
        (2, "error: something", "full: error: something"),
        (255, "ERROR: no space", "full: ERROR: no space"),
    ],
)
def test_a_failed_run_owes_one_line_that_names_what_happened(code: int, said: str, wrong: str) -> None:
    ended = Ended(code, said, {}, 0.0)
    if not wrong:
        assert ended.complaint("disk", "full") == said
        return
    with pytest.raises(UncleanError, match=wrong):
        ended.complaint("full")


def test_a_valve_dies_after_so_many_bytes_and_can_be_mended() -> None:
    with running(Stub()) as address, valve(int(address.rpartition(":")[2])) as between:
        asked = f"http://127.0.0.1:{between.port}/v1/models"
        with urlopen(asked) as answer:
            whole = answer.read()
        between.left = 120
        with pytest.raises((OSError, HTTPException)):
            urlopen(asked, timeout=5).read()
        between.left = None
        with urlopen(asked) as answer:
            assert answer.read() == whole


def test_the_server_keeps_nothing_of_what_was_cut(tmp_path: Path) -> None:
    with s3(tmp_path) as bucket, valve(urlsplit(bucket.endpoint).port or 0) as between:
        kept, whole = f"{bucket.endpoint}/{bucket.name}/kept", bytes(2**20)
        told = {"x-amz-acl": "public-read", "Content-Type": "application/octet-stream"}
        put = Request(f"http://127.0.0.1:{between.port}/{bucket.name}/kept", whole, told, method="PUT")
        between.left = 2**19
        with pytest.raises((OSError, HTTPException)):
            urlopen(put, timeout=20)
        with pytest.raises(HTTPError, match="404"):
            urlopen(kept, timeout=20)
        between.left = None
        urlopen(put, timeout=20).close()
        with urlopen(kept, timeout=20) as answer:
            assert answer.read() == whole


@pytest.mark.parametrize(
    ("script", "wrong"),
    [
        ("for _ in 1 2 3 4 5 6; do echo; sleep 0.5; done", ""),
        ("sleep 60", "hangs"),
        ("sleep 1 &", ""),
        ("while :; do :; done &", "sh -c while"),
    ],
)
def test_a_program_hangs_when_it_is_silent_and_not_when_it_takes_long(
    script: str, wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(programs, "LONGEST", 2.0 if "while" not in wrong else 60.0)
    monkeypatch.setattr(programs, "ORPHANED", 0.2)
    ran = Program(["sh", "-c", script], tmp_path, tmp_path / "log", {})
    if not wrong:
        assert ran.end().code == 0
        return
    with pytest.raises(UncleanError, match=wrong):
        ran.end()
