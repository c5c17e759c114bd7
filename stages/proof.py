"""Look at a tuned model and its base with a second eye, and paint some prompts with several seeds.

python -m stages.proof [--code CODE] TUNED PROMPTS SOURCES IMAGES OUT
"""

from functools import partial
from pathlib import Path

import polars as pl

from trig import generate, params, tables
from trig.backends import executors, painters
from trig.figures.plain import Plain
from trig.files import rebuilding
from trig.judge.album import Album
from trig.judge.run import SEED, Painted
from trig.params import Params
from trig.proof.seen import seen
from trig.proof.spread import asked, in_order, shown, spread
from trig.run.display import bar
from trig.run.edge import run
from trig.run.lock import only_one
from trig.store import Store, home
from trig.tables import made
from trig.tables.figures import DIVERSITY
from trig.tables.prompts import PROMPTS, numbered, scoped, split
from trig.tables.scores import SCORES
from trig.tables.sources import Library

PARAMETERS = "seed generate.engine_in_key generate.format generate.seeds_per_prompt proof.eye proof.prompts proof.seeds".split()


def main(tuned: str, prompts: Path, sources: Path, images: Path, out: Path, *, code: Path | None = None) -> None:
    """Read data/prompts.parquet, data/sources and data/images of TUNED and its base; write data/proof/TUNED: the eye's scores, and diversity."""
    settings = params.load()
    tuning, _ = settings.tuning(tuned)
    both, library = (tuning.base, tuned), Library(sources)
    inputs = {"prompts": prompts, "sources": sources, **{f"images/{name}": images / name for name in both}}
    told = made.by("proof", code, inputs, settings.told(*PARAMETERS, f"tunings.{tuned}"))
    own = scoped(tables.read(prompts, PROMPTS), settings.scope(tuned))
    with only_one(f"proof-{tuned}", home()), Store.open() as store:
        spreads = [_spread(name, own, library, settings, store, f"{tuned}.seeds.{name}", images / name) for name in both]
    scores = [_seen(name, own, library, settings, images / name) for name in both]
    with rebuilding(out) as part:
        tables.write(pl.concat(scores), SCORES, part / "eye.parquet", told)
        tables.write(pl.concat(spreads), DIVERSITY, part / "diversity.parquet", told)


def _seen(model: str, prompts: pl.DataFrame, library: Library, settings: Params, images: Path) -> pl.DataFrame:
    assert settings.proof
    rows = [pl.DataFrame(schema=dict(SCORES.columns))]
    if settings.proof.eye.weights:
        from trig.backends.clip import Clip  # lazy import: torch, only where an eye looks

        eye = Clip(settings.proof.eye.weights, "params.yaml: proof.eye.weights")
        wanted = numbered(split(prompts, "test"), settings.generate.seeds_per_prompt)
        if eye.dimensions:
            bar(f"look at {model}", seen(Painted(wanted, library, Album.open(images)), eye, settings.proof.eye.weights, rows))
    return pl.concat(rows)


def _spread(model: str, prompts: pl.DataFrame, library: Library, settings: Params, store: Store, scope: str, images: Path) -> pl.DataFrame:
    assert settings.proof
    wanted, painter = asked(prompts, settings.proof.prompts, settings.proof.seeds), painters.load(settings, model)
    executor, show = executors.load(settings, model, painter), partial(bar, f"seeds of {model}")
    there = shown(wanted, library, Album.open(images))
    others = wanted.join(there, on=SEED, how="anti", maintain_order="left")
    painted = generate.made(others, library, model, settings, painter, executor, store, scope, show)
    return spread(in_order(wanted, there, painted), Plain(), settings.proof.seeds, model)


if __name__ == "__main__":
    run(main)
