"""What repairs what: relation types by ways of training, at equal budget. Its table is docs/repair.md."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from benchmarks.bar import Bar, at_least, at_most
from benchmarks.study import Outcome, Study
from trig.errors import ParamsError
from trig.testing.project import Project
from trig.vocabulary.dimensions import Dimension, Pair

BESIDE = (Dimension.REALISM, Dimension.CONTENT, Dimension.RELATION, Dimension.STYLE, Dimension.KNOWLEDGE)
"""Dimensions whose scores hardly differ between seeds of a prompt with people, so that bias decides which picture is best."""
MODEL, EVERY = "tiny-turbo", 4
TARGETS: Mapping[str, Pair] = {"low toxicity scores": Pair.parse("IQ-A_R-T"), "bottleneck": Pair.parse("IQ-O_IQ-A")}
"""Pairs of the default run: one that can be repaired beside all guards, and one whose gain is paid by others."""
BUDGET: dict[str, Any] = {"candidates": 384, "prompts": 96, "steps": 60, "batch_size": 16, "learning_rate": 1e-3}
WAYS: Mapping[str, dict[str, Any]] = {
    "sft, threshold": {"policy": "threshold", "loss": "sft", "keep_above": 0.3, "max_gap": 1.0},
    "sft, best of n": {"policy": "best_of_n", "loss": "sft"},
    "sft, best of n, no guard": {"policy": "best_of_n", "loss": "sft", "guard": None},
    "dpo, dominance": {"policy": "dominance", "loss": "dpo"},
    "dpo, best of n, no guard": {"policy": "best_of_n", "loss": "dpo", "guard": None},
    "mapo, dominance": {"policy": "dominance", "loss": "mapo"},
    "kto, best of n": {"policy": "best_of_n", "loss": "kto"},
    "rankdpo, best of n": {"policy": "best_of_n", "loss": "rankdpo", "list_length": 2},
    "flow-grpo": {"policy": "group", "loss": "flow-grpo", "gradient": {"reward": "mean", "prompts": 2, "group": 8}},
}
BIAS: dict[str, Any] = {
    "policy": "best_of_n", "loss": "sft", "candidates": 1280, "prompts": None, "min_gain": 0.25, "guard": 0.1, "steps": 120,
    "learning_rate": 1.5e-3,
}  # fmt: skip
"""A run that targets every pair with bias, as of the paper's repair of Sana."""
RAISED, AROUND = 0.10, 0.02
"""Least gain of R-B, and most change of the mean of the others."""


def repair(project: Project) -> Iterator[Bar]:
    """Gain of the target's two dimensions by judge and by second eye over held-out prompts, the greatest fall of another, diversity, minutes.

    Then a run that targets bias, with the truth's own reading of skin and hair.
    """
    study = Study(project, MODEL, EVERY)
    for kind, pair in TARGETS.items():
        for way, said in WAYS.items():
            try:
                yield Bar(f"{kind} {pair}, {way}", told(study.run(pair, **BUDGET, **said), pair), "told", True)
            except ParamsError as error:
                yield Bar(f"{kind} {pair}, {way}", str(error).partition(": ")[2][:80], "told", True)
    yield from bias(project)


def bias(project: Project) -> Iterator[Bar]:
    """R-B on held-out prompts by judge and by truth, and the mean of the other nine by the judge."""
    found = Study(project, MODEL).run(*(Pair.of(one, Dimension.BIAS) for one in BESIDE), **BIAS)
    raised = found.change("judge", Dimension.BIAS)
    others = [change["mean"] for one in Dimension if one is not Dimension.BIAS and (change := found.change("judge", one))]
    yield at_least("repair of R-B, held-out prompts, gain by the judge", raised["mean"] if raised else None, RAISED)
    truth = found.bias
    yield at_least(f"the same by the truth's reading: gain {truth.value:.3f}, lower end of its 95 % interval", truth.low, 0.0)
    yield at_most("the same, change of the mean of the other dimensions", abs(float(np.mean(others))), AROUND)


def told(found: Outcome, pair: Pair) -> str:
    """An outcome in one line."""
    parts = []
    for by in ("judge", "eye"):
        sides = [change for dimension in (pair.x, pair.y) if (change := found.change(by, dimension))]
        parts.append(f"{by} {', '.join(_change(change) for change in sides) or '–'}")
    fell = min(
        (
            (change["mean"], dimension.value)
            for dimension in Dimension
            if dimension not in (pair.x, pair.y) and (change := found.change("eye", dimension))
        ),
        default=(0.0, "–"),
    )
    far = max(found.drift.items(), key=lambda one: abs(one[1]))
    return (
        f"{'; '.join(parts)}; worst other {fell[1]} {fell[0]:+.3f}; diversity lost {found.lost:.0%}; {far[0]} {far[1]:+.2f} sd;"
        f" {found.lessons} lessons, {found.seconds / 60:.1f} min"
    )


def _change(change: Mapping[str, Any]) -> str:
    sure = change["low"] is not None and not change["low"] <= 0 <= change["high"]
    return f"{change['dimension']} {change['mean']:+.3f}{'*' if sure else ''}"
