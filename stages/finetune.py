"""Train an adapter for the pair that needs it most.

python -m stages.finetune WEAKEST PROMPTS LORA
"""

import json
from pathlib import Path
from shutil import rmtree

from stages._cli import bar, only_one, run
from trig import generate, params, tables
from trig.backends import judges
from trig.dimensions import Pair
from trig.finetune import select
from trig.judge import run as judging
from trig.store import Store, home


def main(weakest: Path, prompts: Path, lora: Path) -> None:
    """Read data/weakest.json and data/prompts.parquet, write data/lora/<name>."""
    everything = params.load()
    settings, wanted = everything.finetune, everything.judge
    pair = Pair.parse(json.loads(weakest.read_text(encoding="utf-8"))["pair"])
    asked = select.candidates(tables.read(prompts, tables.PROMPTS), pair, settings.candidates)
    with only_one("finetune", home()), Store.open() as store:
        from trig.backends.diffusers import Diffusers
        from trig.backends.lora import Lora

        base = Diffusers(settings.base, everything.model(settings.base))
        planned = generate.plan(asked, base.revision, everything.seed)
        bar(
            "generate candidates",
            ((step.done, step.total) for step in generate.paint(planned, base, store, everything.generate.batch_size)),
        )
        pictures = generate.pictures(planned, settings.base, everything.model(settings.base), store)
        judge = judges.load(everything)
        calls = judging.calls(asked, pictures, judge.revision, wanted.model_copy(update={"dimensions": "pair"}))
        bar("judge candidates", ((step.done, step.total) for step in judging.answer(calls, judge, store, wanted)))
        kept = select.keep(judging.scores(calls, store, judge.revision, wanted.max_off_mass), pair, settings)
        texts, shown = dict(asked.select("data_id", "prompt").iter_rows()), dict(pictures.select("data_id", "image").iter_rows())
        samples = [(texts[name], shown[name]["bytes"]) for name in sorted(kept)]
        tuner = Lora(base, settings, everything.seed)
        losses: list[float] = []
        bar("train", ((len(losses), settings.steps) for _ in map(losses.append, tuner.steps(samples))))
        rmtree(lora, ignore_errors=True)
        tuner.save(lora)
        tenth = max(1, len(losses) // 10)
        about = {"base": settings.base, "pairs": [str(pair)], "candidates": asked.height, "kept": len(kept), "prompts": len({text for text, _ in samples}),
                 "loss_first_tenth": round(sum(losses[:tenth]) / tenth, 4), "loss_last_tenth": round(sum(losses[-tenth:]) / tenth, 4)}  # fmt: skip
        (lora / "tuning.json").write_text(json.dumps(about, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    run(main)
