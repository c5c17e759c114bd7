"""Bars on queued experiments: six thresholds, two workers of DVC's queue."""

import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks import full
from benchmarks.bar import Bar, at_least, at_most
from trig import params, tables
from trig.classify.inputs import roster_diagnosed
from trig.classify.relations import relations
from trig.classify.samples import roots
from trig.revision import find
from trig.tables.prompts import PROMPTS
from trig.tables.relations import RELATIONS
from trig.testing.programs import end_in, run
from trig.testing.project import DVC, Project, commit, fresh

MODELS, SHARE = 4, 0.05
"""Models, and the fraction of the published prompts."""
ASKED = (0.55, 0.6, 0.65, 0.7, 0.75, 0.85)
WORKERS = 2
STATES = ("Queued", "Running", "Success", "Failed")
PATIENCE = 900
"""Seconds in which all have to end."""


def queue(_: Project) -> Iterator[Bar]:
    """Six queued threshold runs; each map is compared with one that is classified here, from the same scores."""
    place = fresh()
    try:
        full.run_until_classify(place, MODELS, SHARE)
        full.finish(place)
        commit(place, "Run the pipeline")
        run(*DVC, "exp", "run", "--queue", "--set-param", f"thresholds.synergy={','.join(map(str, ASKED))}", cwd=place)
        began = time.monotonic()
        run(*DVC, "queue", "start", "--jobs", str(WORKERS), cwd=place)
        ended = states(place)
        seconds = time.monotonic() - began
        yield at_least(f"{len(ASKED)} queued threshold runs, {WORKERS} workers: ended well", ended.count("Success"), len(ASKED))
        yield at_most("the same, those that did not end well", len(ended) - ended.count("Success"), 0)
        yield at_least("the same, maps equal to direct classification", right(place), len(ASKED))
        yield Bar("the same, all of them", f"{seconds:.0f} s", f"≤ {PATIENCE} s", seconds <= PATIENCE)
    finally:
        end_in(place)
        shutil.rmtree(place)


def states(place: Path) -> list[str]:
    """State of each task of the queue, once none is waiting or at work, or patience has ended."""
    end = time.monotonic() + PATIENCE
    while True:
        lines = run(*DVC, "queue", "status", cwd=place).stdout.splitlines()
        found = [line.split()[-1] for line in lines if line[:7].strip().isalnum() and line.split()[-1] in STATES]
        if not {"Queued", "Running"} & set(found) or time.monotonic() > end:
            return found
        time.sleep(2)


def right(place: Path) -> int:
    """Experiments whose map is, row by row, that of their threshold; each threshold counts once."""
    settings = params.load(place / "params.yaml")
    asked = tables.read(place / "data/prompts.parquet", PROMPTS)
    scores = roster_diagnosed(place / "data/scores", place / "data/diagnostics", settings.generate.roster, asked)
    good = set[float]()
    for name in run(*DVC, "exp", "list", "--name-only", cwd=place).stdout.split():
        found = find(name, place)
        synergy = found.params["thresholds"]["synergy"]
        wanted = relations(scores, settings.thresholds.model_copy(update={"synergy": synergy}), roots(asked))
        if found.table(Path("data/relations.parquet"), RELATIONS).equals(wanted):
            good.add(synergy)
    return len(good & set(ASKED))
