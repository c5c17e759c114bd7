"""Lessons that a policy chose as rows of the lessons table, and rows as what a trainer is given."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import polars as pl

from trig.finetune.points import Floats, Points
from trig.finetune.policies.choice import Choice
from trig.finetune.select import CANDIDATE
from trig.params.finetune import Finetune
from trig.protocols.tuner import Lessons, Sample
from trig.tables.lessons import LESSONS


def table(choices: Sequence[Choice], points: Points, images: pl.DataFrame, base: str, settings: Finetune) -> pl.DataFrame:
    """LESSONS, in the order of the choices. `images` has the pictures of the points."""
    joined = points.rows.join(images.select(*CANDIDATE, "digest", "seed"), on=CANDIDATE, how="left", maintain_order="left")
    shown = joined.to_dicts()
    shared = {"pair": str(points.pair), "policy": settings.policy, "scorer": "+".join(points.scorers), "model": base}
    rows = [
        {**shared, "lesson": lesson, "place": index, "reason": choice.reason, "good": choice.good, **own}
        for lesson, choice in enumerate(choices)
        for index, own in enumerate(_rows(choice, points, shown, settings))
    ]
    return pl.DataFrame(rows, schema=dict(LESSONS.columns))


def together(tables: Sequence[pl.DataFrame]) -> pl.DataFrame:
    """Lessons of several pairs as one table, numbered throughout."""
    starts = np.cumsum([0, *(found["lesson"].n_unique() for found in tables)])[:-1]
    return pl.concat(
        [found.with_columns(lesson=pl.col("lesson") + pl.lit(int(start), pl.Int32)) for found, start in zip(tables, starts, strict=True)]
    )


def lessons(rows: pl.DataFrame, files: Mapping[str, bytes], settings: Finetune, sources: Mapping[str, bytes] | None = None) -> Lessons:
    """What a trainer is given of LESSONS; `files` are pictures by their digest, `sources` those edited by data_id. A sample is given once."""
    places: dict[Sample, int] = {}

    def place(name: str, prompt: str, digest: str) -> int:
        return places.setdefault(Sample(prompt, files[digest], (sources or {}).get(name)), len(places))

    told = ("data_id", "prompt", "digest", "loser_prompt", "loser_digest", "good", "preference", "weight", "gain")
    members, labels, weights, gains = [], [], [], []
    for _, own in rows.select("lesson", *told).group_by("lesson", maintain_order=True):
        parts = own.to_dicts()
        first = parts[0]
        of = [place(part["data_id"], part["prompt"], part["digest"]) for part in parts]
        if settings.form in {"pairs", "texts"}:
            of.append(place(first["data_id"], first["loser_prompt"] or first["prompt"], first["loser_digest"] or first["digest"]))
        members.append(tuple(of))
        labels.append(float(first["preference"]) if settings.soft_labels else float(first["good"]))
        weights.append(float(first["weight"]))
        gains.append(tuple(float(part["gain"] or 0.0) for part in parts) if len(parts) > 1 else (0.0,) * len(of))
    return Lessons(list(places), members, labels, weights, gains)


def _rows(choice: Choice, points: Points, shown: Sequence[Mapping[str, Any]], settings: Finetune) -> list[dict[str, Any]]:
    """A row for each picture of a list, and one for any other choice."""
    of = [shown[index] for index in choice.points]
    match settings.form:
        case "lists" | "groups":
            gains, sure = _gains(points, choice.points), float(np.mean([each["confidence"] for each in of]))
            ranked = [(each, float(gains[index])) for index, each in enumerate(of)]
            return [
                {**_picture(each), "gain": gain, **_weight(sure, 1.0, 1.0, settings)}
                for each, gain in sorted(ranked, key=lambda one: -one[1])
            ]
        case "pairs":
            return [_pair(choice, points, of[0], of[1], settings)]
        case "texts":
            return [
                {**_picture(of[0]), "loser_prompt": choice.instead, "preference": 1.0, **_weight(of[0]["confidence"], 1.0, 1.0, settings)}
            ]
        case _:
            return [{**_picture(of[0]), **_weight(of[0]["confidence"], 1.0, 1.0, settings)}]


def _picture(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in (*CANDIDATE, "prompt", "digest", "seed", "x", "y")}


def _pair(choice: Choice, points: Points, winner: Mapping[str, Any], loser: Mapping[str, Any], settings: Finetune) -> dict[str, Any]:
    first, second = choice.points
    change = np.array([winner[side] - loser[side] for side in ("x", "y")])
    agree = float((np.sign(points.changes(first, second)) == np.sign(change)).mean())
    agreement = agree if choice.agreement is None else choice.agreement
    return {
        **_picture(winner),
        **{f"loser_{name}": loser[name] for name in ("number", "digest", "seed")},
        **{f"{side}_change": float(each) for side, each in zip(("x", "y"), change, strict=True)},
        "preference": float(points.preference(np.array([first]), np.array([second]))[0]),
        **_weight(winner["confidence"] * loser["confidence"], agreement, _dimensions(points, change, settings), settings),
    }


def _weight(confidence: float, agreement: float, dimensions: float, settings: Finetune) -> dict[str, float]:
    return {
        "confidence": confidence,
        "agreement": agreement,
        "weight": dimensions * (confidence * agreement if settings.weighted else 1.0),
    }


def _dimensions(points: Points, change: Floats, settings: Finetune) -> float:
    """Mean weight of the dimensions, by how much the winner gains on each; where it gains on neither, as a vote may have it, evenly."""
    weights = np.array([settings.dimension_weights.get(dimension.value, 1.0) for dimension in (points.pair.x, points.pair.y)])
    gained = change.clip(min=0) if change.max() > 0 else np.ones(2)
    return float((weights * gained).sum() / gained.sum())


def _gains(points: Points, members: Sequence[int]) -> Floats:
    """Mean probability that each picture is preferred to another of its list."""
    of = np.array(members)
    against = np.stack([points.preference(np.full(len(of), each), of) for each in of])
    found: Floats = (against.sum(axis=1) - against.diagonal()) / (len(of) - 1)
    return found
