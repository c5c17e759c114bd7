"""Whether candidates are kept: the aim rises over train prompts, and no dimension falls by more than is allowed."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import polars as pl

from trig.params.prompting import Prompting
from trig.prompting.aims import Aim
from trig.prompting.measured import SAMPLE
from trig.stats.clustered import Tested, clustered_mean
from trig.stats.fdr import q_values
from trig.vocabulary.dimensions import Dimension

NOTHING = Tested(None, None, None, None)


class Trial(NamedTuple):
    """What a candidate changes on train prompts. `gain` compares with the recipe in force, the rest with the prompts as they are."""

    gain: float | None
    gain_low: float | None
    gain_high: float | None
    whole: float | None
    p: float | None  # of no gain, two-sided
    fall: float | None  # largest fall of a dimension's mean; below 0 where all rise
    falls: str | None  # that dimension
    lost: int  # pictures that lack a score of the pair, and had one


class Verdict(NamedTuple):
    """Of a trial among those of its round."""

    q: float | None
    accepted: bool
    reason: str | None


def tried(aim: Aim, first: pl.DataFrame, now: pl.DataFrame, new: pl.DataFrame) -> Trial:
    """The trial of a candidate: scores of the prompts as they are, by the recipe in force, and by the candidate, as `measured.wide` gives them."""
    gain, whole = _gain(aim, now, new), _gain(aim, first, new)
    return Trial(*gain[:3], whole.value, gain.p, *_fall(first, new), _lost(aim, now, new))


def verdicts(trials: Sequence[Trial], settings: Prompting) -> list[Verdict]:
    """Of the trials of a round: accepted where the gain is above 0 and significant among them all (Benjamini-Hochberg, at most `fdr`), no dimension's
    mean falls by more than `max_fall`, and no score is lost."""
    q = q_values(np.array([np.nan if one.p is None else one.p for one in trials]))
    found = []
    for one, value in zip(trials, q.tolist(), strict=True):
        reason = None
        if one.lost:
            reason = f"{one.lost} scores are lost"
        elif not (one.gain is not None and one.gain > 0 and value <= settings.fdr):
            reason = "the aim does not rise"
        elif one.fall is not None and one.fall > settings.max_fall:
            reason = f"{one.falls} falls by {one.fall:.3f}"
        found.append(Verdict(None if np.isnan(value) else value, reason is None, reason))
    return found


def _gain(aim: Aim, before: pl.DataFrame, after: pl.DataFrame) -> Tested:
    one, other = (_figures(aim, frame) for frame in (before, after))
    both = one.join(other, on=SAMPLE, suffix="_after").drop_nulls(["aimed", "aimed_after"])
    if both.is_empty():
        return NOTHING
    return clustered_mean((both["aimed_after"] - both["aimed"]).to_numpy(), both["root"].to_numpy().astype(np.int64))


def _figures(aim: Aim, frame: pl.DataFrame) -> pl.DataFrame:
    return sides(aim, frame).select(*SAMPLE, "root", aimed=aim.figure)


def sides(aim: Aim, frame: pl.DataFrame) -> pl.DataFrame:
    """The pair's own scores as `x` and `y`."""
    return frame.with_columns(x=aim.pair.x.value, y=aim.pair.y.value)


def _fall(first: pl.DataFrame, new: pl.DataFrame) -> tuple[float | None, str | None]:
    both = first.join(new, on=SAMPLE, suffix="_after")
    means = {one.value: both.select((pl.col(one.value) - pl.col(f"{one.value}_after")).mean()).item() for one in Dimension}
    known = {name: fall for name, fall in means.items() if fall is not None}
    worst = max(known, key=lambda name: known[name], default=None)
    return (None, None) if worst is None else (known[worst], worst)


def _lost(aim: Aim, now: pl.DataFrame, new: pl.DataFrame) -> int:
    nulls = [_figures(aim, frame)["aimed"].null_count() for frame in (now, new)]
    return max(0, nulls[1] - nulls[0])
