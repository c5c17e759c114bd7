"""Looks at what an adapter paints while it learns, so that a training which goes astray ends early.

Pictures are of train prompts, with seeds that no candidate has: nothing held out decides when a training ends.
"""

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from io import BytesIO
from itertools import chain
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import polars as pl
from PIL import Image

from trig.figures.measures import figures
from trig.files import replacing
from trig.finetune.points import Floats
from trig.finetune.select import CANDIDATE
from trig.keys import content_key
from trig.params import finetune
from trig.pictures import pixels
from trig.protocols.generator import Generator, Order, Picture
from trig.protocols.refusal import Refusal
from trig.stats.clustered import clustered_mean
from trig.stats.drift import drift
from trig.vocabulary.dimensions import Dimension
from trig.vocabulary.figures import Figure

Paint: TypeAlias = Callable[[pl.DataFrame, Generator], tuple[pl.DataFrame, pl.DataFrame]]
"""Prompts and a generator → its pictures, and their scores on all dimensions."""
DECIMALS = 4
SHOWN = 8
"""Pictures of a look on the sheet of samples."""
CELL = 128
"""Longest side of a picture on it, in pixels."""


@dataclass(frozen=True, slots=True)
class Look:
    """What was painted after so many steps."""

    step: int
    figures: dict[str, float | None]  # means
    scores: dict[str, float | None]  # means; null where no picture has one
    astray: str | None = None  # why the training is to end


@dataclass(slots=True)
class Learning:
    """A model while its adapter learns. Satisfies `Generator`; its pictures are kept as those of this step of this training."""

    base: Generator
    revision: str
    engine: str

    def generate(self, orders: Sequence[Order]) -> list[Picture | Refusal]:
        return self.base.generate(orders)


def asked(prompts: pl.DataFrame, count: int) -> pl.DataFrame:
    """Train prompts to look at, spread evenly over all; each has a key of its own, hence its own seed."""
    train = prompts.filter(pl.col("split") == "train").sort("task", "pair", "data_id")
    if train.height > count:
        train = train[np.linspace(0, train.height - 1, count).round().astype(int)]
    keys = [content_key(prompt=key, watched=True) for key in train["key"]]
    return train.with_columns(number=pl.lit(0, pl.Int32), key=pl.Series(keys, dtype=pl.String))


class Watch:
    """Compares looks with the base's pictures of the same prompts and seeds. `targets`: dimensions that the adapter is to raise.

    `shown` has pictures of each look by its step, for a sheet of samples.
    """

    def __init__(
        self, settings: finetune.Watch, prompts: pl.DataFrame, targets: Collection[Dimension], paint: Paint, base: Generator
    ) -> None:
        self.settings, self.targets, self.base, self._paint = settings, targets, base, paint
        self.asked = asked(prompts, settings.pictures)
        self.looks: list[Look] = []
        self.shown: dict[int, list[bytes | None]] = {}
        self._begun: tuple[pl.DataFrame, pl.DataFrame] | None = None

    @property
    def astray(self) -> str | None:
        """Why the training is to end."""
        return self.looks[-1].astray if self.looks else None

    def due(self, step: int) -> bool:
        """Whether to look after this step; at 0 at the base, which the adapter then is."""
        return self.settings.every is not None and step % self.settings.every == 0

    def look(self, training: str, step: int) -> Look:
        """Looks after a step of the training with this key. The first look must be that at step 0."""
        painter: Generator = Learning(self.base, content_key(training=training, step=step), self.base.engine) if step else self.base
        images, scores = self._paint(self.asked, painter)
        files = images.sort(CANDIDATE)["image"].struct.field("bytes").to_list()
        shown = pl.DataFrame(
            [dict.fromkeys(Figure) if file is None else figures(pixels(file)) for file in files],
            schema=dict.fromkeys(Figure, pl.Float64),
            orient="row",
        )
        scored = scores.select(*CANDIDATE, pl.col("dimension").cast(pl.String), "expected")
        self.shown[step] = files[:SHOWN]
        if self._begun is None:
            self._begun = shown, scored
        astray = next(chain(self._drifts(shown), self._falls(scored)), None)
        means = {name: _rounded(shown[name].mean()) for name in shown.columns}
        levels = {
            row["dimension"]: _rounded(row["expected"]) for row in scored.group_by("dimension").agg(pl.col("expected").mean()).to_dicts()
        }
        found = Look(step, means, {code.value: levels.get(code.value) for code in Dimension}, astray and f"at step {step} {astray}")
        self.looks.append(found)
        return found

    def keep(self, file: Path) -> None:
        """Writes the looks so far."""
        rows = [{"look": json.dumps(asdict(look)), "shown": self.shown[look.step]} for look in self.looks]
        with replacing(file) as part:
            pl.DataFrame(rows, schema={"look": pl.String, "shown": pl.List(pl.Binary)}).write_parquet(part)

    def restore(self, file: Path) -> bool:
        """Reads looks that were kept; whether they could be read."""
        try:
            rows = [(Look(**json.loads(look)), shown) for look, shown in pl.read_parquet(file).select("look", "shown").iter_rows()]
        except (pl.exceptions.PolarsError, OSError, ValueError, TypeError):
            return False
        self.looks, self.shown = [look for look, _ in rows], {look.step: shown for look, shown in rows}
        return True

    def forget(self, after: int) -> None:
        """Drops looks at later steps than this."""
        self.looks = [look for look in self.looks if look.step <= after]

    def table(self) -> bytes:
        """Tab-separated, a row per look, as `dvc plots` reads it."""
        rows = [{"step": look.step, **look.scores, **look.figures} for look in self.looks]
        return (
            pl.DataFrame(rows, schema={"step": pl.Int64, **dict.fromkeys((*Dimension, *Figure), pl.Float64)})
            .write_csv(separator="\t")
            .encode()
        )

    def sheet(self) -> bytes:
        """PNG: a row per look, the same prompts below each other; empty without any."""
        rows = [self.shown[look.step] for look in self.looks]
        return _sheet(rows) if rows else b""

    def _drifts(self, shown: pl.DataFrame) -> Iterator[str]:
        """Figures that ran away."""
        assert self._begun is not None
        for name in Figure:
            before, after = _both(self._begun[0][name.value], shown[name.value])
            if before.size > 1 and abs(moved := drift(before, after)) > self.settings.max_drift:
                ends = f"{before.mean():.3f} to {after.mean():.3f}"
                yield (
                    f"{name} has moved from {ends}, by {moved:+.1f} standard deviations of the base's pictures"
                    f" (finetune.watch.max_drift {self.settings.max_drift:g})"
                )

    def _falls(self, scored: pl.DataFrame) -> Iterator[str]:
        """Dimensions beside the targets that fell."""
        assert self._begun is not None
        both = self._begun[1].join(scored, on=[*CANDIDATE, "dimension"], suffix="_after").drop_nulls(["expected", "expected_after"])
        for code in Dimension:
            own = both.filter(dimension=code.value)
            if code in self.targets or own.is_empty():
                continue
            found = clustered_mean((own["expected_after"] - own["expected"]).to_numpy(), np.arange(own.height))
            if found.value is not None and found.value < -self.settings.max_fall and found.high is not None and found.high < 0:
                yield f"{code.value} has fallen by {-found.value:.3f} on the pictures watched (finetune.watch.max_fall {self.settings.max_fall:g})"


def _both(before: pl.Series, after: pl.Series) -> tuple[Floats, Floats]:
    """Values of pictures that both have."""
    known = before.is_not_null() & after.is_not_null()
    return before.filter(known).to_numpy(), after.filter(known).to_numpy()


def _rounded(value: Any) -> float | None:
    return None if value is None else round(float(value), DECIMALS)


def _sheet(rows: Sequence[Sequence[bytes | None]]) -> bytes:
    whole = Image.new("RGB", (CELL * max(map(len, rows)), CELL * len(rows)), "white")
    for down, row in enumerate(rows):
        for across, file in enumerate(row):
            if file is not None:
                whole.paste(pixels(file).resize((CELL, CELL), Image.Resampling.LANCZOS), (across * CELL, down * CELL))
    out = BytesIO()
    whole.save(out, "PNG")
    return out.getvalue()
