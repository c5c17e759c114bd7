"""Train an adapter for the weakest pair that has enough good pictures.

python -m stages.finetune WEAKEST PROMPTS LORA
"""

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from shutil import rmtree

import polars as pl

from stages._cli import bar, only_one, run
from trig import generate, params, tables
from trig.backends import judges
from trig.dimensions import Pair
from trig.errors import ParamsError
from trig.finetune import select
from trig.judge import run as judging
from trig.judge.album import Album
from trig.judge.ask import answer
from trig.protocols import Generator, Judge
from trig.store import Store, home

Sample = tuple[str, bytes]


def main(weakest: Path, prompts: Path, lora: Path) -> None:
    """Read data/weakest.json and data/prompts.parquet, write data/lora/<name>."""
    everything = params.load()
    settings = everything.finetune
    pairs = [Pair.parse(pair) for pair in json.loads(weakest.read_text(encoding="utf-8"))["pairs"]]
    asked = tables.read(prompts, tables.PROMPTS)
    with only_one("finetune", home()), Store.open() as store:
        from trig.backends.diffusers import Diffusers
        from trig.backends.lora import Lora

        base, judge = Diffusers(settings.base, everything.model(settings.base)), judges.load(everything)
        pair, samples = _first_with_enough(pairs, lambda pair: _samples(asked, pair, everything, base, judge, store), settings)
        tuner = Lora(base, settings, everything.seed)
        losses: list[float] = []
        bar("train", ((len(losses), settings.steps) for _ in map(losses.append, tuner.steps(samples))))
        rmtree(lora, ignore_errors=True)
        tuner.save(lora)
        tenth = max(1, len(losses) // 10)
        about = {"base": settings.base, "pairs": [str(pair)], "candidates": settings.candidates, "kept": len(samples),
                 "prompts": len({text for text, _ in samples}),
                 "loss_first_tenth": round(sum(losses[:tenth]) / tenth, 4), "loss_last_tenth": round(sum(losses[-tenth:]) / tenth, 4)}  # fmt: skip
        (lora / "tuning.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


def _first_with_enough(
    pairs: Sequence[Pair], samples_of: Callable[[Pair], Sequence[Sample]], settings: params.Finetune
) -> tuple[Pair, Sequence[Sample]]:
    """The first pair that fills a batch, with its samples. Raises ParamsError when none does."""
    for pair in pairs:
        samples = samples_of(pair)
        if len(samples) >= settings.batch_size:
            return pair, samples
        print(
            f"{pair}: {len(samples)} of {settings.candidates} pictures pass, fewer than a batch of {settings.batch_size}", file=sys.stderr
        )
    raise ParamsError(
        f"params.yaml: finetune: no pair has {settings.batch_size} of {settings.candidates} pictures that pass keep_above {settings.keep_above}"
        f" and max_gap {settings.max_gap} ({', '.join(map(str, pairs))}): lower keep_above, or raise max_gap or candidates"
    )


def _samples(prompts: pl.DataFrame, pair: Pair, everything: params.Params, base: Generator, judge: Judge, store: Store) -> Sequence[Sample]:
    """Prompts and pictures of a pair that are good at both its dimensions, made for the purpose."""
    settings, wanted = everything.finetune, everything.judge
    asked = select.candidates(prompts, pair, settings.candidates)
    planned = generate.plan(asked, base.revision, everything.seed)
    steps = generate.paint(planned, base, store, everything.generate.batch_size)
    bar(f"generate candidates of {pair}", ((step.done, step.total) for step in steps))
    pictures = generate.pictures(planned, settings.base, everything.model(settings.base), store)
    painted = judging.Painted(asked, Album((pictures,)))
    calls = judging.calls(painted, judge.revision, wanted.model_copy(update={"dimensions": "pair"}))
    bar(f"judge candidates of {pair}", ((step.done, step.total) for step in answer(calls, painted, judge, store, wanted)))
    kept = select.keep(judging.scores(calls, store, judge.revision, wanted), asked, pair, settings)
    texts, shown = dict(asked.select("data_id", "prompt").iter_rows()), dict(pictures.select("data_id", "image").iter_rows())
    return [(texts[name], shown[name]["bytes"]) for name in sorted(kept)]


if __name__ == "__main__":
    run(main)
