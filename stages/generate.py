"""Generate the images of one model.

python -m stages.generate MODEL PROMPTS SOURCES IMAGES
"""

from pathlib import Path

from trig import generate, params, tables
from trig.backends import executors, painters
from trig.generate.plan import plan
from trig.generate.prompted import prompted
from trig.run.display import bar
from trig.run.edge import run
from trig.run.lock import only_one
from trig.store import Store, home
from trig.tables.prompts import PROMPTS, scoped, split
from trig.tables.sources import Library


def main(model: str, prompts: Path, sources: Path, images: Path) -> None:
    """Read data/prompts.parquet and data/sources, write data/images/MODEL/<task>/<pair>.parquet."""
    settings = params.load()
    wanted = split(scoped(tables.read(prompts, PROMPTS), settings.scope(model)), "test")
    with only_one(f"generate-{model}", home()), Store.open() as store:
        generator = painters.load(settings, model)
        seeds = settings.generate.seeds_per_prompt
        planned = plan(prompted(wanted, settings.model(model), seeds), generator, settings.seed, seeds)
        executor = executors.load(settings, model, generator)
        made = generate.shards(planned, Library(sources), model, settings, generator, executor, store, images)
        bar(f"generate {model}", ((step.done, step.total) for step in made), "pictures")


if __name__ == "__main__":
    run(main)
