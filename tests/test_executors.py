"""Executors: whatever happens to workers, every batch ends, with the results of one process."""

import importlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import workplace
from executed import Made, Stub
from lines import names
from test_pool import held, wait

from trig import params
from trig.backends import executors, judges, painters
from trig.backends.executors.crew import DEPTH, Site
from trig.backends.executors.desk import Facts
from trig.backends.executors.judging import Judging
from trig.backends.executors.judging import Spread as Bench
from trig.backends.executors.local import Local
from trig.backends.executors.painting import Painting, Spread
from trig.backends.executors.patient import PATIENCE
from trig.backends.executors.processes import Processes
from trig.errors import ExecutorError, WeightsError
from trig.judge.labels import labels
from trig.memory import cores
from trig.protocols.generator import Order, Picture
from trig.protocols.judge import Question
from trig.protocols.refusal import Refusal
from trig.testing import factories

PATH = os.pathsep.join((str(workplace.ROOT), str(workplace.ROOT / "tests")))
SECONDS = 120.0
Results = dict[int, list[Picture | Refusal]]
ENDLESS = """
import fcntl, os, sys, time
from pathlib import Path
from executed import Made, Stub
from trig.backends.executors.painting import Spread
from trig.backends.executors.processes import Processes
from trig.protocols.generator import Order
from trig.run.edge import edge

class Locked(Stub):
    def generate(self, orders):
        with Path(self.log, str(os.getpid())).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            time.sleep(600)

if __name__ == "__main__":
    stub = Locked(Path(sys.argv[1]))
    with edge():
        list(Spread(Processes(2, []), Made(stub), 600, stub).paint([[Order("a", 1)], [Order("b", 1)]]))
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Site]:
    """Ray on this machine, with two workers."""
    from trig.backends.executors import ray

    with pytest.MonkeyPatch.context() as patched:
        patched.delenv(ray.ADDRESS, raising=False)
        patched.setenv("PYTHONPATH", PATH)
        yield ray.Ray(2, "generate")
    ray.leave()


@pytest.fixture(params=["processes", "ray"])
def site(request: pytest.FixtureRequest) -> Site:
    """Two workers, by each kind of executor."""
    found: Site = Processes(2, []) if request.param == "processes" else request.getfixturevalue("cluster")
    return found


@pytest.mark.parametrize("asked", [None, "3"])
def test_workers_without_gpus_share_out_the_cores(asked: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes with all threads each would wait for each other."""
    monkeypatch.setenv("OMP_NUM_THREADS", asked or "")
    worker = Processes(2, []).hire(0)
    try:
        assert worker.pool.submit(os.getenv, "OMP_NUM_THREADS").result() == (asked or str(max(1, cores() // 2)))
    finally:
        worker.end()


def batches(*prompts: str, size: int = 4) -> list[list[Order]]:
    orders = [Order(prompt, seed, factories.png(seed) if seed % 3 else None) for seed, prompt in enumerate(prompts)]
    return [orders[start : start + size] for start in range(0, len(orders), size)]


def spread(site: Site, stub: Stub, given: Sequence[Sequence[Order]]) -> Results:
    return dict(Spread(site, Made(stub), SECONDS, stub).paint(given))


@pytest.fixture
def stub(tmp_path: Path) -> Stub:
    return Stub(tmp_path / "begun")


def test_a_worker_that_is_killed_half_way_costs_its_batch_and_changes_nothing(site: Site, stub: Stub) -> None:
    slow, given = replace(stub, seconds=0.05), batches(*(f"prompt {number}" for number in range(60)), "refuse")
    made: Results = {}
    for number, results in Spread(site, Made(slow), SECONDS, slow).paint(given):
        assert number not in made
        made[number] = results
        if len(made) == 6:
            killed = stub.begun()[-1][0]
            os.kill(killed, signal.SIGKILL)
            stored = {order.prompt for place in made for order in given[place]}
            before = len(stub.begun())
    assert made == dict(Local(Stub(stub.log.with_name("here"))).paint(given))
    assert not stored & {prompt for _, prompt in stub.begun()[before:]}, "nothing that was handed over is made again"
    assert len(stub.begun()) <= 61 + DEPTH * 4


def test_a_row_that_ends_its_worker_is_one_null(site: Site, stub: Stub) -> None:
    made = spread(site, stub, batches("a", "b", "kill", "c", *"defgh"))
    assert made[0][2] == Refusal("computed alone, it ended its worker process")
    assert sum(isinstance(each, Refusal) for results in made.values() for each in results) == 1
    assert len({pid for pid, prompt in stub.begun() if prompt == "kill"}) == 3, "lost workers are replaced"


def test_a_row_that_always_fails_is_one_null_everywhere(site: Site, stub: Stub) -> None:
    given = batches("a", "b", "c", "fail", *"defgh")
    made = spread(site, stub, given)
    assert made[0][3] == Refusal("ValueError: fail")
    assert made == dict(Local(stub).paint(given))


def test_what_every_row_fails_of_is_raised(site: Site, stub: Stub) -> None:
    given = batches(*["fail"] * 6 * PATIENCE)
    for executor in (Local(stub), Spread(site, Made(stub), SECONDS, stub)):
        with pytest.raises(ValueError, match="fail"):
            list(executor.paint(given))


def test_what_the_user_can_mend_is_the_same_line_everywhere(site: Site, stub: Stub) -> None:
    with pytest.raises(WeightsError, match=r"^models\.x: lacks what it needs$"):
        spread(site, stub, batches("stop"))


def test_workers_agree_with_this_process(site: Site, stub: Stub) -> None:
    for other, error in ((replace(stub, revision="other"), WeightsError), (replace(stub, engine="stub 2"), ExecutorError)):
        with pytest.raises(error, match=names("params.yaml", "generate.executor")):
            list(Spread(site, Made(other), SECONDS, stub).paint(batches("a")))


def test_a_worker_without_a_library_is_one_line(site: Site, stub: Stub) -> None:
    with pytest.raises(ExecutorError, match=names("params.yaml", "generate.executor", "No module named 'nowhere'")) as failed:
        list(Spread(site, Made(stub, missing="nowhere"), SECONDS, stub).paint(batches("a")))
    assert len(str(failed.value).splitlines()) == 1


def test_few_batches_are_read_ahead_and_few_workers_started(stub: Stub) -> None:
    read: list[int] = []

    def coming() -> Iterator[list[Order]]:
        for number in range(40):
            read.append(number)
            yield [Order(f"{number}", 1)]

    for given, _ in enumerate(Spread(Processes(2, []), Made(stub), SECONDS, stub).paint(coming()), 1):
        assert len(read) <= given + 2 * 2 * DEPTH
    assert len(read) == 40
    assert len(spread(Processes(2, []), replace(stub, log=stub.log.with_name("one")), batches("a"))) == 1
    assert len({pid for pid, _ in replace(stub, log=stub.log.with_name("one")).begun()}) == 1
    assert spread(Processes(2, []), stub, []) == {}


class Stuck:
    """A site whose workers load at once, or not, and then work for ever. Satisfies `Site` and `Worker`."""

    size = 1
    lost: tuple[type[Exception], ...] = (BrokenProcessPool,)

    def __init__(self, loads: bool) -> None:
        self.loads = loads

    def hire(self, _: int, /) -> "Stuck":
        return self

    def call(self, method: str, *_: object) -> Future[Any]:
        found: Future[Any] = Future()
        if method == "open" and self.loads:
            found.set_result(Facts("stub", "stub 1"))
        return found

    def end(self, idle: bool = False) -> None:
        assert not idle


def test_a_hung_worker_is_ended_and_a_row_that_hangs_is_one_null(stub: Stub) -> None:
    made = dict(Spread(Stuck(loads=True), Made(stub), 0.05, stub).paint([[Order("a", 1)]]))
    assert made == {0: [Refusal("computed alone, it took longer than worker_timeout")]}
    with pytest.raises(ExecutorError, match=names("params.yaml", "generate.worker_timeout", "0.05", "generate.devices")):
        list(Spread(Stuck(loads=False), Made(stub), 0.05, stub).paint([[Order("a", 1)]]))


def test_workers_that_keep_dying_are_not_the_fault_of_rows(stub: Stub) -> None:
    """Six losses in succession, before a batch of nulls is handed over."""
    with pytest.raises(ExecutorError, match=names("params.yaml", "generate.devices", "worker 0 of 1", "generate.batch_size")):
        list(Spread(Processes(1, []), Made(stub), SECONDS, stub).paint(batches(*["kill"] * 8)))
    assert len(stub.begun()) == 2 * 4 + 4


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGKILL])
def test_an_ended_program_leaves_no_worker(how: signal.Signals, tmp_path: Path) -> None:
    (tmp_path / "endless.py").write_text(ENDLESS)
    (locks := tmp_path / "locks").mkdir()
    command = [sys.executable, str(tmp_path / "endless.py"), str(locks)]
    with subprocess.Popen(command, env=os.environ | {"PYTHONPATH": PATH}, stderr=subprocess.PIPE, text=True) as program:
        try:
            wait(lambda: sum(map(held, locks.iterdir())) == 2)
        finally:
            program.send_signal(how)
        assert program.wait(30) == (130 if how is signal.SIGINT else -how)
        assert program.stderr and "Traceback" not in program.stderr.read()
    wait(lambda: not any(map(held, locks.iterdir())))


def test_the_tiny_painter_paints_the_same_on_workers(cluster: Site) -> None:
    found = params.load()
    settings = found.model_copy(update={"models": found.models | {"tiny": found.model("tiny").model_copy(update={"steps": 1})}})
    painter, given = painters.load(settings, "tiny"), batches(*(f"a red ball in a meadow {number}" for number in range(6)), size=2)
    plain = [[replace(order, source_image=None) for order in batch] for batch in given]
    there = dict(Spread(cluster, Painting(settings, "tiny"), SECONDS, painter).paint(plain))
    assert there == dict(Local(painter).paint(plain))


def test_a_judge_in_workers_gives_the_answers_of_one_process() -> None:
    settings = params.load()
    one = judges.load(settings, 4)
    questions = [
        Question(factories.png(number, 64, 64 + 32 * (number % 2)), f"thing {number}", f"How {word} is it? {{grades}}")
        for number in range(20)
        for word in ("good", "very true to life")
    ]
    grades = labels(settings.judge.scale, one.encode)
    asked = Bench(Processes(2, []), Judging(settings, 4), SECONDS, 16)
    assert (asked.revision, asked.engine, asked.dtype) == (one.revision, one.engine, one.dtype)
    assert labels(settings.judge.scale, asked.encode) == grades
    for some in (questions, questions[:3]):
        assert dict(asked.ask(some, grades)) == dict(one.ask(some, grades))
    asked.crew.close()


def test_devices_that_are_not_there_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    settings, stub = params.load(), Stub(Path("none"))
    there: list[str] = []
    monkeypatch.setattr("trig.backends.executors.processes.visible", lambda: there)

    def opened(devices: object) -> object:
        where = settings.generate.model_copy(update={"devices": devices})
        return executors.load(settings.model_copy(update={"generate": where}), "tiny", stub)

    assert isinstance(opened(None), Local)
    with pytest.raises(ExecutorError, match=names("params.yaml", "generate.devices", "'all'")):
        opened("all")
    there += ["3", "5"]
    with pytest.raises(ExecutorError, match=names("params.yaml", "generate.devices", "3", "2")):
        opened(3)
    assert (found := opened("all")) and isinstance(found, Spread) and isinstance(found.site, Processes)
    assert (found.site.size, found.site.gpus) == (2, ["3", "5"])


def test_ray_that_is_missing_or_far_away_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    from trig.backends.executors import ray

    monkeypatch.setattr("ray.is_initialized", lambda: False)
    monkeypatch.setenv(ray.ADDRESS, "ray://user:secret@far:10001")
    with pytest.raises(ExecutorError, match=names("environment", "RAY_ADDRESS", "host:port")) as failed:
        ray.connect("generate")
    assert "secret" not in str(failed.value)
    monkeypatch.setitem(sys.modules, "ray", None)
    monkeypatch.delitem(sys.modules, ray.__name__)
    with pytest.raises(ExecutorError, match=names("params.yaml", "executor", "'ray'", "pip install")):
        importlib.import_module(ray.__name__)
