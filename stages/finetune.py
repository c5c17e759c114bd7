"""Fine-tune a LoRA adapter that repairs pairs of dimensions.

python -m stages.finetune [--code CODE] TUNED TARGETS PROMPTS SOURCES LESSONS LORA CURVES
"""

import sys
from collections import deque
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import polars as pl

from trig import generate, params, tables
from trig.backends import executors, judges, painters, trainers
from trig.backends.executors.local import Local
from trig.finetune import lessons
from trig.finetune.rewards import JudgeCritic
from trig.finetune.training import teach
from trig.finetune.watch import Watch
from trig.judge.album import Album
from trig.judge.run import Painted, judged
from trig.keys import content_key
from trig.protocols.generator import Generator
from trig.run.display import bar, notes
from trig.run.edge import run
from trig.run.lock import only_one
from trig.store import Store, home, trainings
from trig.tables import made
from trig.tables.lessons import LESSONS
from trig.tables.prompts import PROMPTS, of_tasks
from trig.tables.sources import Library

PARAMETERS = (
    *(f"judge.{name}" for name in "name engine_in_key mode samples scale max_off_mass max_pixels reference_image rubrics".split()),
    *"seed finetune generate.engine_in_key generate.format".split(),
)


def main(
    tuned: str, targets: Path, prompts: Path, sources: Path, taught: Path, lora: Path, curves: Path, *, code: Path | None = None
) -> None:
    """Read data/targets/TUNED.json, data/prompts.parquet and data/sources; write data/lessons/TUNED.parquet, data/lora/TUNED, and CURVES with what was seen."""
    everything = params.load()
    tuning, settings = everything.tuning(tuned)
    inputs = {"prompts": prompts, "sources": sources, f"targets/{targets.name}": targets}
    told = made.by("finetune", code, inputs, everything.told(*PARAMETERS, f"tunings.{tuned}"))
    library = Library(sources)
    of_pairs, of_all = (everything.judge.model_copy(update={"dimensions": which}) for which in ("pair", "all"))
    with only_one(f"finetune-{tuned}", home()), Store.open() as store:
        base, judge = painters.load(everything, tuning.base), judges.load(everything)
        trainer = trainers.load(everything, tuned, base)

        def painted(asked: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
            by, show = executors.load(everything, tuning.base, base), partial(bar, "generate candidates")
            images = generate.made(asked, library, tuning.base, everything, base, by, store, f"{tuned}.candidates", show)
            return images, judged(
                Painted(asked, library, Album((images,))), judge, store, of_pairs if settings.guard is None else of_all, bar, "candidates"
            )

        def watched(asked: pl.DataFrame, painter: Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
            """Within training: on this device, and without progress of its own."""
            images = generate.made(asked, library, tuning.base, everything, painter, Local(painter), store, f"{tuned}.watched", _silent)
            return images, judged(
                Painted(asked, library, Album((images,))), judge, store, of_all, lambda _, steps: _silent(steps), "watched"
            )

        def scored(asked: pl.DataFrame, images: pl.DataFrame) -> pl.DataFrame:
            """Without progress of its own: it is asked within each step."""
            return judged(Painted(asked, library, Album((images,))), judge, store, of_pairs, lambda _, steps: _silent(steps), "paintings")

        own = of_tasks(tables.read(prompts, PROMPTS), everything.scope(tuned))
        for lesson in lessons.search(tuning.base, lessons.choices(targets), own, painted, settings, library):
            print(lesson.summary, file=sys.stderr)
        tables.write(lesson.rows, LESSONS, taught, told)
        critic = JudgeCritic(lesson, content_key(judge=judge.revision, asked=of_pairs), scored)
        aims = {dimension for pair in lesson.pairs for dimension in (pair.x, pair.y)}
        taught_by = own.filter(pl.col("task").cast(pl.String) == settings.task.value)
        watch = Watch(settings.watch, taught_by, aims, watched, base)
        teach(trainer(critic), lesson, lora, curves, trainings(), bar, watch)
        if watch.astray:
            notes(f"tunings.{tuned}", [f"the training ended early: {watch.astray}"])
        if critic.asked:
            print(critic.summary, file=sys.stderr)


def _silent(steps: Iterator[tuple[int, int]]) -> None:
    deque(steps, maxlen=0)


if __name__ == "__main__":
    run(main)
