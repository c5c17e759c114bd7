"""A world in which what prompting does is known: scores are planted by the words that are painted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import polars as pl

from trig.keys import content_key
from trig.params.prompting import Prompting
from trig.params.thresholds import Limits
from trig.prompting.grammar import Grammar, Operation
from trig.tables.scores import SCORES
from trig.vocabulary.dimensions import Dimension, Task

LIMITS = Limits(
    rule="paper", score="expected", correlation="spearman", synergy=0.8, bottleneck=0.5, synergy_density=0.4, bottleneck_density=0.4,
    tilt_ratio=1.5, dispersion_corr=0.7, min_points=10,
)  # fmt: skip
PAYS: Mapping[str, Mapping[Dimension, float]] = {
    "lifelike": {Dimension.REALISM: 0.3},
    "bare": {Dimension.REALISM: 0.6, Dimension.STYLE: -0.2},
    "grand": {Dimension.AESTHETICS: 0.2},
    "idle": {},
}
"""What a word changes."""
COLUMNS = ("model", "task", "pair", "data_id", "number", "dimension", "score_trig", "expected")


def settings(**changes: Any) -> Prompting:
    """How prompts are rewritten in tests."""
    given = {
        "annotator": None,
        "budget": 1_000,
        "prompts": 24,
        "seeds": 1,
        "rounds": 2,
        "candidates": 3,
        "fdr": 0.05,
        "max_fall": 0.05,
        "map": LIMITS,
    }
    return Prompting.model_validate(given | changes)


def grammar(*words: str, raises: tuple[Dimension, ...] = tuple(Dimension)) -> Grammar:
    """Operations that append a word."""
    made = {
        word: Operation.model_validate({"raises": list(raises), "tasks": list(Task), "changes": [{"find": "$", "put": f" {word}"}]})
        for word in words or PAYS
    }
    return Grammar("grammar: planted", made, 40)


@dataclass
class World:
    """Paints nothing, and judges by the words that were painted. Satisfies `Measure`, and remembers what it was given."""

    level: float = 0.3
    seen: list[pl.DataFrame] = field(default_factory=list)

    def __call__(self, rows: pl.DataFrame) -> pl.DataFrame:
        self.seen.append(rows)
        found = [self._row(row, dimension) for row in rows.iter_rows(named=True) for dimension in Dimension]
        return pl.DataFrame(found, {name: SCORES.columns[name] for name in COLUMNS}, orient="row")

    def _row(self, row: Mapping[str, Any], dimension: Dimension) -> tuple[Any, ...]:
        same = self._draw(0.08, key=row["noise_key"], noise=row["noise"], dimension=dimension.value)
        own = self._draw(0.02, key=row["noise_key"], noise=row["noise"], dimension=dimension.value, painted=row["painted"])
        gain = sum(PAYS[word].get(dimension, 0.0) for word in row["painted"].split() if word in PAYS)
        score = float(np.clip(self.level + same + own + gain, 0, 1))
        return "tiny", row["task"], row["pair"], row["data_id"], row["number"], dimension.value, score, score

    @staticmethod
    def _draw(spread: float, **parts: object) -> float:
        return float(np.random.default_rng(int(content_key(**parts)[:12], 16)).normal(0, spread))

    @property
    def pictures(self) -> int:
        """Distinct pictures that were asked for."""
        keys = pl.concat([rows.select("task", "painted", "source", "noise_key", "noise") for rows in self.seen])
        return keys.unique().height
