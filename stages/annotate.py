"""Write prompts for every pair of dimensions.

python -m stages.annotate [--code CODE] MATERIAL SOURCES REVIEW PROMPTS REJECTED SOURCES_OUT FUNNEL
"""

from functools import partial
from pathlib import Path

from trig import params, tables
from trig.annotate import benchmark, scribe
from trig.backends import annotators
from trig.run.display import bar, notes
from trig.run.edge import run
from trig.run.lock import only_one
from trig.store import Store, home
from trig.tables import funnel, made
from trig.tables import sources as library
from trig.tables.prompts import PROMPTS
from trig.tables.rejected import REJECTED

PARAMETERS = ("seed", "annotate", "annotators")


def main(
    material: Path, sources: Path, review: Path, prompts: Path, rejected: Path, kept: Path, counts: Path, *, code: Path | None = None
) -> None:
    """Read a material; write data/prompts.parquet, data/rejected.parquet, data/sources and data/annotate.json."""
    settings = params.load()
    inputs = {"material": material, "sources": sources, "review": review}
    told = made.by("annotate", code, inputs, settings.told(*PARAMETERS))
    with only_one("annotate", home()), Store.open() as store:
        name = settings.annotate.annotator
        hire = partial(scribe.hired, partial(annotators.load, settings, name), settings, store, bar) if name else None
        found = benchmark.benchmark(material, sources, review, settings.annotate, settings.seed, hire, bar)
    tables.write(found.prompts, PROMPTS, prompts, told)
    tables.write(found.rejected, REJECTED, rejected, told)
    library.write(found.sources, kept, found.read, told.stage)
    funnel.write(found.funnel, counts)
    notes("annotate", found.notes())


if __name__ == "__main__":
    run(main)
