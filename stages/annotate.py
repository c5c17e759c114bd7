"""Write prompts for every pair of dimensions.

python -m stages.annotate MATERIAL SOURCES REVIEW PROMPTS REJECTED SOURCES_OUT FUNNEL
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
from trig.tables import funnel
from trig.tables import sources as library
from trig.tables.prompts import PROMPTS
from trig.tables.rejected import REJECTED


def main(material: Path, sources: Path, review: Path, prompts: Path, rejected: Path, kept: Path, counts: Path) -> None:
    """Read a material; write data/prompts.parquet, data/rejected.parquet, data/sources and data/annotate.json."""
    settings = params.load()
    with only_one("annotate", home()), Store.open() as store:
        name = settings.annotate.annotator
        hire = partial(scribe.hired, partial(annotators.load, settings, name), settings, store, bar) if name else None
        made = benchmark.benchmark(material, sources, review, settings.annotate, settings.seed, hire, bar)
    tables.write(made.prompts, PROMPTS, prompts)
    tables.write(made.rejected, REJECTED, rejected)
    library.write(made.sources, kept, made.read)
    funnel.write(made.funnel, counts)
    notes("annotate", made.notes())


if __name__ == "__main__":
    run(main)
