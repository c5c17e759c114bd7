"""Rewrite the prompts of a model by its own map, learnt on train prompts; or choose its pictures, as the control.

python -m stages.prompting [--code CODE] PROMPTED MATERIAL PROMPTS SOURCES PROMPTING
"""

from functools import partial
from pathlib import Path

import polars as pl

from trig import generate, params, tables
from trig.backends import annotators, executors, judges, painters
from trig.generate.prompted import repainted
from trig.judge.album import Album
from trig.judge.run import Painted, judged
from trig.prompting.asking import Wordsmith
from trig.prompting.find import Work, by_best, by_map
from trig.prompting.grammar import Grammar
from trig.prompting.measured import in_parts
from trig.prompting.recipes import Writer
from trig.run.display import bar
from trig.run.edge import run
from trig.run.lock import only_one
from trig.store import Store, home
from trig.tables import made
from trig.tables.prompts import PROMPTS, scoped
from trig.tables.sources import Library

PARAMETERS = (
    *(f"judge.{name}" for name in "name engine_in_key mode samples scale max_off_mass max_pixels reference_image rubrics".split()),
    *"seed annotate.max_tokens annotators generate.engine_in_key generate.format generate.seeds_per_prompt prompting".split(),
)


def main(prompted: str, material: Path, prompts: Path, sources: Path, out: Path, *, code: Path | None = None) -> None:
    """Read a material, data/prompts.parquet and data/sources, write data/prompting/PROMPTED."""
    everything = params.load()
    one, settings = everything.prompted(prompted)
    inputs = {"material": material, "prompts": prompts, "sources": sources}
    told = made.by("prompting", code, inputs, everything.told(*PARAMETERS, f"promptings.{prompted}"))
    library, asked = Library(sources), scoped(tables.read(prompts, PROMPTS), everything.scope(prompted))
    dimensions = everything.judge.model_copy(update={"dimensions": "pair" if one.by == "best-of" else "all"})
    with only_one(f"prompting-{prompted}", home()), Store.open() as store:
        base, judge = painters.load(everything, one.base), judges.load(everything)
        executor = executors.load(everything, one.base, base)

        def measure(rows: pl.DataFrame) -> pl.DataFrame:
            scope, show = f"{prompted}.candidates", partial(bar, "generate candidates")
            images = generate.made(repainted(rows), library, one.base, everything, base, executor, store, scope, show)
            return judged(Painted(rows, library, Album((images,))), judge, store, dimensions, bar, "candidates")

        def writer() -> Writer:
            if settings.annotator is None:
                return Grammar.of(material, everything.annotate.max_tokens)
            return Wordsmith.hired(annotators.load(everything, settings.annotator), everything, store, bar)

        work = Work(one, base.revision, settings, asked, everything.generate.seeds_per_prompt, in_parts(measure))
        found = by_best(work) if one.by == "best-of" else by_map(work, writer())
    found.write(out, told)


if __name__ == "__main__":
    run(main)
