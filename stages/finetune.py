"""Fine-tune a LoRA adapter on the weakest pair with enough good images.

python -m stages.finetune [--code CODE] TUNED WEAKEST PROMPTS SOURCES LESSONS LORA CURVE
"""

import sys
from collections import deque
from functools import partial
from pathlib import Path

import polars as pl

from trig import generate, params, tables
from trig.backends import executors, judges, painters, trainers
from trig.finetune import lessons
from trig.finetune.rewards import JudgeCritic
from trig.judge.album import Album
from trig.judge.run import Painted, judged
from trig.keys import content_key
from trig.run.display import bar
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
    tuned: str, weakest: Path, prompts: Path, sources: Path, taught: Path, lora: Path, curve: Path, *, code: Path | None = None
) -> None:
    """Read data/weakest/TUNED.json, data/prompts.parquet and data/sources, write data/lessons/TUNED.parquet, data/lora/TUNED and the loss of each step."""
    everything = params.load()
    tuning, settings = everything.tuning(tuned)
    inputs = {"prompts": prompts, "sources": sources, f"weakest/{weakest.name}": weakest}
    told = made.by("finetune", code, inputs, everything.told(*PARAMETERS, f"tunings.{tuned}"))
    library = Library(sources)
    of_pairs = everything.judge.model_copy(update={"dimensions": "pair"})
    with only_one(f"finetune-{tuned}", home()), Store.open() as store:
        base, judge = painters.load(everything, tuning.base), judges.load(everything)
        trainer = trainers.load(everything, tuned, base)

        def painted(asked: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
            images = generate.made(
                asked,
                library,
                tuning.base,
                everything,
                base,
                executors.load(everything, tuning.base, base),
                store,
                f"{tuned}.candidates",
                partial(bar, "generate candidates"),
            )
            return images, judged(Painted(asked, library, Album((images,))), judge, store, of_pairs, bar, "candidates")

        def scored(asked: pl.DataFrame, images: pl.DataFrame) -> pl.DataFrame:
            """Without progress of its own: it is asked within each step."""
            return judged(Painted(asked, library, Album((images,))), judge, store, of_pairs, lambda _, steps: deque(steps, 0), "paintings")

        for lesson in lessons.search(
            tuning.base, lessons.pairs(weakest), of_tasks(tables.read(prompts, PROMPTS), everything.scope(tuned)), painted, settings
        ):
            print(lesson.summary, file=sys.stderr)
        tables.write(lesson.rows, LESSONS, taught, told)
        critic = JudgeCritic(lesson, content_key(judge=judge.revision, asked=of_pairs), scored)
        lessons.teach(trainer(critic), lesson, lora, curve, trainings(), bar)
        if critic.asked:
            print(critic.summary, file=sys.stderr)


if __name__ == "__main__":
    run(main)
