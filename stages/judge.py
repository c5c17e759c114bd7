"""Judge the images of one model.

python -m stages.judge MODEL PROMPTS SOURCES IMAGES SCORES DIAGNOSTICS
"""

from pathlib import Path

from trig import params, tables
from trig.backends import judges
from trig.judge.album import Album
from trig.judge.run import Painted, judged
from trig.run.display import bar
from trig.run.edge import run
from trig.run.lock import only_one
from trig.store import Store, home
from trig.tables.diagnostics import DIAGNOSTICS
from trig.tables.prompts import PROMPTS, numbered, split
from trig.tables.scores import SCORES
from trig.tables.sources import Library


def main(model: str, prompts: Path, sources: Path, images: Path, scores: Path, diagnostics: Path) -> None:
    """Read data/prompts.parquet, data/sources and data/images/MODEL, write data/scores/MODEL.parquet and data/diagnostics/MODEL.parquet."""
    settings = params.load()
    wanted = numbered(split(tables.read(prompts, PROMPTS), "test"), settings.generate.seeds_per_prompt)
    painted = Painted(wanted, Library(sources), Album.open(images))
    with only_one(f"judge-{model}", home()), Store.open() as store:
        found = judged(painted, judges.load(settings), store, settings.judge, bar, model)
        tables.write(found, SCORES, scores)
        tables.write(found, DIAGNOSTICS, diagnostics)


if __name__ == "__main__":
    run(main)
