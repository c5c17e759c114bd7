"""Judge the pictures of one model.

python -m stages.judge MODEL PROMPTS IMAGES SCORES
"""

from pathlib import Path

from stages._cli import bar, only_one, run
from trig import params, tables
from trig.backends import judges
from trig.judge import run as judging
from trig.store import Store, home


def main(model: str, prompts: Path, images: Path, scores: Path) -> None:
    """Read data/prompts.parquet and data/images/MODEL, write data/scores/MODEL.parquet."""
    settings = params.load()
    wanted = settings.judge
    asked, shown = tables.split(tables.read(prompts, tables.PROMPTS), "test"), tables.read(images, tables.IMAGES)
    with only_one(f"judge-{model}", home()), Store.open() as store:
        judge = judges.load(settings)
        found = judging.calls(asked, shown, judge.revision, wanted)
        bar(f"judge {model}", ((step.done, step.total) for step in judging.answer(found, judge, store, wanted)))
        tables.write(judging.scores(found, store, judge.revision, wanted), tables.SCORES, scores)


if __name__ == "__main__":
    run(main)
