"""What repairs what: relation types by ways of training, at equal budget. Its table is docs/repair.md."""

from collections.abc import Iterator, Mapping
from typing import Any

from benchmarks.bar import Bar
from benchmarks.study import Outcome, Study
from trig.testing.project import Project
from trig.vocabulary.dimensions import Dimension, Pair

MODEL, EVERY = "tiny-turbo", 3
TARGETS: Mapping[str, Pair] = {
    "bottleneck": Pair.parse("IQ-O_IQ-A"),
    "tilt": Pair.parse("IQ-A_D-A"),
    "dispersion": Pair.parse("IQ-R_IQ-O"),
}
"""A pair of each relation that a model of the default run shows."""
BUDGET: dict[str, Any] = {"candidates": 320, "steps": 60, "batch_size": 16}
WAYS: Mapping[str, dict[str, Any]] = {
    "sft, threshold": {"policy": "threshold", "loss": "sft"},
    "sft, best of n": {"policy": "best_of_n", "loss": "sft"},
    "dpo, dominance": {"policy": "dominance", "loss": "dpo"},
    "dpo, best of n": {"policy": "best_of_n", "loss": "dpo"},
    "dpo, angle": {"policy": "angle", "loss": "dpo"},
    "mapo, dominance": {"policy": "dominance", "loss": "mapo"},
    "kto, threshold": {"policy": "threshold", "loss": "kto"},
    "rankdpo, best of n": {"policy": "best_of_n", "loss": "rankdpo"},
    "flow-grpo": {"policy": "group", "loss": "flow-grpo", "gradient": {"reward": "mean", "prompts": 2, "group": 8}},
}


def repair(project: Project) -> Iterator[Bar]:
    """Gain of the target's two dimensions by judge and by second eye over all held-out prompts, the greatest fall of another, diversity, minutes."""
    study = Study(project, MODEL, EVERY)
    for kind, pair in TARGETS.items():
        for way, said in WAYS.items():
            yield Bar(f"{kind} {pair}, {way}", told(study.run(pair, **BUDGET, **said), pair), "told", True)


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
