"""The judge's reward of what an adapter paints while it learns."""

from collections.abc import Callable, Sequence
from typing import TypeAlias, assert_never

import numpy as np
import polars as pl

from trig.errors import JudgeError
from trig.finetune.lessons import Lesson
from trig.finetune.points import SIDES, Bools, Floats, points
from trig.finetune.select import CANDIDATE
from trig.keys import content_key
from trig.params.finetune import JudgeReward
from trig.pictures import size
from trig.protocols.tuner import Group
from trig.tables.images import IMAGES
from trig.tables.sources import digest

Scored: TypeAlias = Callable[[pl.DataFrame, pl.DataFrame], pl.DataFrame]
"""Prompts, and IMAGES with a picture of each → the scores table."""


def rewards(scores: Floats, kind: JudgeReward) -> list[float | None]:
    """Of the pictures of a prompt, by their expected scores (n, 2), NaN where there is none: these have no reward, and compare with nothing.

    win_rate: share of the others that a picture beats, a tie counting half, the mean over both dimensions.
    """
    known: Bools = np.isfinite(scores.sum(axis=1))
    match kind:
        case "mean":
            found = scores.mean(axis=1)
        case "minimum":
            found = scores.min(axis=1)
        case "win_rate":
            beaten = (1 + np.sign(scores[:, None] - scores[known][None])).sum(axis=1) / 2 - 0.5  # against itself a half
            found = beaten.mean(axis=1) / max(int(known.sum()) - 1, 1)
        case _:
            assert_never(kind)
    return [float(reward) if there else None for reward, there in zip(found, known, strict=True)]


class JudgeCritic:
    """Asks the judge about the pair that each prompt's lessons are about. Satisfies `Critic`; counts what it asked, and what has no score."""

    def __init__(self, lesson: Lesson, revision: str, scored: Scored) -> None:
        self.lesson, self._scored = lesson, scored
        self.revision = content_key(judge=revision, pairs=[str(pair) for pair in lesson.pairs])
        named = pl.concat(
            [part.rows.select("prompt", "task", "data_id", "sub_prompts", pair=pl.lit(str(part.pair))) for part in lesson.parts]
        )
        self._named = named.unique("prompt", keep="first", maintain_order=True)
        self._places = {prompt: index for index, prompt in enumerate(self._named["prompt"])}
        self.asked = self.nulls = 0

    def rewards(self, groups: Sequence[Group]) -> list[list[float | None]]:
        """Raises JudgeError where no picture has a score."""
        asked = self._asked(groups)
        scores = self._scored(asked, self._images(asked, groups))
        found = pl.concat(
            [points(scores, asked.filter(pair=str(pair)), pair).rows.select(*CANDIDATE, *SIDES) for pair in self.lesson.pairs]
        )
        both = asked.join(found, on=CANDIDATE, how="left", maintain_order="left")
        sides = both.select(pl.col(SIDES).fill_null(float("nan"))).to_numpy()
        ends = np.cumsum([len(files) for _, files in groups])[:-1]
        rewarded = [rewards(own, self.lesson.settings.gradient.judge_reward) for own in np.split(sides, ends)]
        known = sum(reward is not None for group in rewarded for reward in group)
        self.asked, self.nulls = self.asked + asked.height, self.nulls + asked.height - known
        if not known:
            raise JudgeError(
                f"params.yaml: judge.name: the judge scored none of {asked.height} pictures that were painted to learn from; name another"
            )
        return rewarded

    @property
    def summary(self) -> str:
        """What was asked since the training began or went on, in one line."""
        return f"{self.lesson.title}: {self.asked} pictures were painted to learn from, {self.nulls} without a score were left out"

    def _asked(self, groups: Sequence[Group]) -> pl.DataFrame:
        """A row per picture. `number` tells those of a step apart."""
        own = self._named[[self._places[prompt] for prompt, files in groups for _ in files]]
        return own.with_columns(number=pl.int_range(own.height, dtype=pl.Int32), source=pl.lit(None, pl.String))

    def _images(self, asked: pl.DataFrame, groups: Sequence[Group]) -> pl.DataFrame:
        """IMAGES."""
        files = [file for _, files in groups for file in files]
        shared = {"model": self.lesson.base, "seed": 0}
        rows = [
            {
                **shared, **dict(zip((*CANDIDATE, "pair"), names, strict=True)), "image": {"bytes": file, "path": ""} if file else None,
                "digest": digest(file) if file else None, "status": "ok" if file else "null", "reason": None if file else "it was not painted",
                **dict(zip(("width", "height"), size(file) if file else (0, 0), strict=True)),
                "key": content_key(digest=digest(file) if file else None),
            }
            for names, file in zip(asked.select(*CANDIDATE, "pair").iter_rows(), files, strict=True)
        ]  # fmt: skip
        return pl.DataFrame(rows, schema=dict(IMAGES.columns))
