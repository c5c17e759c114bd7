"""Judge the images of one model.

python -m stages.judge [--code CODE] MODEL PROMPTS SOURCES IMAGES SCORES DIAGNOSTICS
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
from trig.tables import made
from trig.tables.diagnostics import DIAGNOSTICS
from trig.tables.prompts import PROMPTS, numbered, scoped, split
from trig.tables.scores import SCORES
from trig.tables.sources import Library

PARAMETERS = (
    "generate.seeds_per_prompt",
    *(
        f"judge.{name}"
        for name in "name dimensions engine_in_key mode samples scale max_off_mass max_pixels reference_image rubrics".split()
    ),
)


def main(model: str, prompts: Path, sources: Path, images: Path, scores: Path, diagnostics: Path, *, code: Path | None = None) -> None:
    """Read data/prompts.parquet, data/sources and data/images/MODEL, write data/scores/MODEL.parquet and data/diagnostics/MODEL.parquet."""
    settings = params.load()
    inputs = {"prompts": prompts, "sources": sources, f"images/{model}": images}
    told = made.by("judge", code, inputs, settings.told(*PARAMETERS))
    asked = scoped(tables.read(prompts, PROMPTS), settings.scope(model))
    wanted = numbered(split(asked, "test"), settings.generate.seeds_per_prompt)
    painted = Painted(wanted, Library(sources), Album.open(images))
    with only_one(f"judge-{model}", home()), Store.open() as store:
        found = judged(painted, judges.load(settings), store, settings.judge, bar, model)
        tables.write(found, SCORES, scores, told)
        tables.write(found, DIAGNOSTICS, diagnostics, told)


if __name__ == "__main__":
    run(main)
