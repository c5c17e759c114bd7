"""Judge the pictures of one model.

python -m stages.judge MODEL PROMPTS IMAGES SCORES
"""

from functools import partial
from pathlib import Path

from stages._cli import bar, only_one, run
from trig import params, tables
from trig.backends import judges
from trig.judge import run as judging
from trig.judge.album import Album
from trig.judge.ask import answer
from trig.store import Store, home


def main(model: str, prompts: Path, images: Path, scores: Path) -> None:
    """Read data/prompts.parquet and data/images/MODEL, write data/scores/MODEL.parquet."""
    settings = params.load()
    wanted = settings.judge
    painted = judging.Painted(tables.split(tables.read(prompts, tables.PROMPTS), "test"), Album.open(images))
    with only_one(f"judge-{model}", home()), Store.open() as store:
        judge = judges.load(settings)
        found = judging.calls(painted, judge.revision, wanted, partial(bar, f"read {model}"))
        bar(f"judge {model}", ((step.done, step.total) for step in answer(found, painted, judge, store, wanted)))
        tables.write(judging.scores(found, store, judge.revision, wanted), tables.SCORES, scores)


if __name__ == "__main__":
    run(main)
