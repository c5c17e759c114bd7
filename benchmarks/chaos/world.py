"""A tiny run of the whole pipeline, before and after a change of the seed: rounds begin in between, where a stage has yet to run."""

import json
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import Any

import yaml
from aiohttp import web

from benchmarks.chaos.programs import Ended, Program, dvc
from trig.notation import read
from trig.testing import servers, studio
from trig.testing.programs import FailedError
from trig.testing.project import commit, copy
from trig.testing.servers import Server

SEEDS = 43, 42
"""Before and after the change; it reaches every prompt, and so every picture and score."""
STUB, TINY, TUNED, BEST = "stub", "tiny", "tiny-dtm", "tiny-best"
ASKING = ("chat/completions", "images/generations")


class Mortal:
    """A server that dies for good after so many questions, and lives again when told so."""

    def __init__(self, behind: Server) -> None:
        self.behind, self.questions = behind, Counter[bytes]()
        self.left: int | None = None  # questions it lives for

    def begin(self) -> None:
        """A life without an end, and nothing asked yet."""
        self.left = None
        self.questions.clear()

    @property
    def asked(self) -> int:
        """Questions since then; one that comes again and again, as canary questions do at each look of a training, counts twice."""
        return sum(min(count, 2) for count in self.questions.values())

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path.endswith(ASKING) and self.left != 0:
            self.left = None if self.left is None else self.left - 1
            self.questions[blake2b(await request.read()).digest()] += 1
        elif self.left == 0:
            assert request.transport is not None
            request.transport.abort()
            return web.Response(status=503)
        return await self.behind.handle(request)


@dataclass
class World:
    """Both runs, how long each stage of the second took, and the servers behind them."""

    home: Path
    judge: Mortal
    painter: Mortal
    seconds: Mapping[str, float]  # stage → in the last run of it

    @property
    def before(self) -> Path:
        return self.home / "before"

    @property
    def after(self) -> Path:
        return self.home / "after"

    def stages(self, *kinds: str) -> list[str]:
        """Stages of the run, of these kinds or all."""
        return [name for name in self.seconds if not kinds or name.partition("@")[0] in kinds]

    @property
    def asked(self) -> int:
        """Questions and pictures that the servers were asked for since the round began."""
        return self.judge.asked + self.painter.asked

    def lock(self, place: Path) -> dict[str, Any]:
        """dvc.lock."""
        found: dict[str, Any] = read((place / "dvc.lock").read_text("utf-8"))
        return found

    def outs(self, *names: str) -> list[str]:
        """Paths of the outputs of stages, or of all."""
        stages = self.lock(self.after)["stages"]
        return [out["path"] for name in names or stages for out in stages[name].get("outs", ())]

    def begin(self, place: Path, stage: str, emptied: bool = True) -> None:
        """The project where all stages have run but this one, whose outputs are still the former run's; `emptied`: its work too is yet to do."""
        subprocess.run(["cp", "-a", f"{self.after}/.", place], check=True)
        for name in (".dvc/cache/runs", *([".trig"] if emptied else ()), *self.outs(stage)):
            target = place / name
            shutil.rmtree(target) if target.is_dir() else target.unlink(missing_ok=True)
            if (self.before / name).exists() and not name.startswith(".dvc"):
                subprocess.run(["cp", "-a", self.before / name, target], check=True)
        lock, former = self.lock(self.after), self.lock(self.before)["stages"].get(stage)
        if former == lock["stages"][stage]:
            del lock["stages"][stage]
        else:
            lock["stages"][stage] = former
        (place / "dvc.lock").write_text(yaml.safe_dump(lock, sort_keys=False), "utf-8")


@contextmanager
def made(home: Path, only: Sequence[str] = ()) -> Iterator[World]:
    """Both runs, made unless they are there; of these stages `only`, or of all."""
    note = home / "world.json"
    known: dict[str, Any] = json.loads(note.read_text("utf-8")) if note.exists() else {"ports": (0, 0)}
    judge, painter = Mortal(servers.Stub(seconds=0.02)), Mortal(studio.Studio())
    try:
        with servers.running(judge, known["ports"][0]) as judging, servers.running(painter, known["ports"][1]) as painting:
            if not note.exists():
                world = World(home, judge, painter, {})
                seconds = _run_twice(world, f"{painting}/v1", f"{judging}/v1", only)
                ports = [int(address.rpartition(":")[2]) for address in (judging, painting)]
                known = {"ports": ports, "seconds": seconds}
                note.write_text(json.dumps(known), "utf-8")
            yield World(home, judge, painter, known["seconds"])
    except BaseException:  # an interrupt
        for program in Program.running:
            program.clear()
        raise


def _run_twice(world: World, painter: str, judge: str, only: Sequence[str]) -> dict[str, float]:
    """Seconds of each stage of the second run."""
    world.before.mkdir(parents=True)
    copy(world.before)
    settle(world.before / "params.yaml", painter, judge)
    graph = world.before / "dvc.yaml"
    if only:
        said = yaml.safe_load(graph.read_text("utf-8"))
        said["stages"] = {name: said["stages"][name] for name in only}
        graph.write_text(yaml.safe_dump(said, sort_keys=False), "utf-8")
    commit(world.before, "Begin")
    seconds = _first(world.before).seconds()  # of stages that the seed does not reach, too
    subprocess.run(["cp", "-a", world.before, world.after], check=True)
    file = world.after / "params.yaml"
    file.write_text(file.read_text("utf-8").replace(f"seed: {SEEDS[0]}\n", f"seed: {SEEDS[1]}\n", 1), "utf-8")
    return seconds | _first(world.after).seconds()


def _first(place: Path) -> Ended:
    ended = dvc("repro", place=place).end()
    if ended.code:
        raise FailedError(f"dvc repro in {place} ended with {ended.code}:\n{ended.said[-3000:]}")
    return ended


def settle(file: Path, painter: str, judge: str) -> None:
    """A model behind an API, one of weights, an adapter, one with prompts of its own; a served judge; as few prompts and steps as there can be."""
    known = yaml.safe_load(file.read_text("utf-8"))
    api = {
        "backend": "openai",
        "endpoints": [painter],
        "model": STUB,
        "needs": "params.yaml",
        "width": 16,
        "height": 16,
        "retries": 1,
    }
    served = {"backend": "openai", "endpoints": [judge], "model": STUB, "needs": "data/tiny/judge", "key": None, "price": None}
    tuned = known["models"][TUNED] | {"extends": TINY}
    best = known["models"][BEST] | {"extends": STUB, "scope": {"tasks": ["t2i"], "per_subset": 1}}
    models = {TINY: known["models"][TINY] | {"steps": 1}, TUNED: tuned, STUB: api, BEST: best}
    changed: dict[str, Any] = {
        "seed": SEEDS[0],
        "annotate": {"tasks": ["t2i"], "per_subset": 1, "train_per_subset": 4},
        "promptings": {BEST: {"base": STUB, "by": "best-of"}},  # of weights the last bits would depend on what is painted together
        "prompting": {"budget": 84, "prompts": 2, "rounds": 1, "candidates": 1},
        "generate": {"roster": [STUB, TINY, TUNED, BEST], "batch_size": 8},
        "models": models,
        "tunings": {TUNED: known["tunings"][TUNED] | {"base": TINY}},
        "judge": {"name": STUB, "batch_size": 8, "max_failures": 8},
        "judges": {STUB: served | {"concurrency": 4, "timeout": 20.0, "retries": 1}},
        "thresholds": {"min_points": 1, "bootstraps": 20, "synergy": 0.3, "bottleneck": 0.2},
        "report": {"pictures_per_pair": 1},
        "finetune": {"min_keep_share": 0.0, "candidates": 8, "keep_above": 0.0, "max_gap": 1.0, "steps": 3, "batch_size": 2}
        | {
            "policy": "threshold",
            "guard": None,
            "prompts": None,
            "watch": {"every": 2, "pictures": 2, "max_drift": 1_000.0, "max_fall": 1.0},
        },
        "proof": {"prompts": 2, "seeds": 2},
    }
    for name, value in changed.items():
        whole = name in {"models", "judges", "promptings", "tunings"} or not isinstance(value, dict)
        known[name] = value if whole else known[name] | value
    file.write_text(yaml.safe_dump(known, sort_keys=False), "utf-8")
