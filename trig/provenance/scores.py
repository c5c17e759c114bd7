"""Scores: whether their columns agree, whether they are of the question that is asked here, and whether the judge gives them again."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import fsum, sqrt
from typing import Any

import polars as pl

from trig import tables
from trig.judge.album import Album
from trig.judge.ask import answer
from trig.judge.cache import results
from trig.judge.calls import Call
from trig.judge.canary import LEAST, SIGMAS, TIMES
from trig.judge.rows import row as rated
from trig.judge.run import Painted, calls
from trig.params import Params
from trig.protocols.judge import Judge
from trig.protocols.refusal import Refusal
from trig.provenance.checked import Checked, named
from trig.provenance.places import Places
from trig.store import Store
from trig.tables.diagnostics import DIAGNOSTICS, diagnosed
from trig.tables.prompts import numbered, scoped, split
from trig.tables.scores import SCORES
from trig.tables.sources import Library, digest

NAMES = ("task", "data_id", "number", "dimension")
FINE = 1e-3
"""What a probability may move where the judge computes in float32 in this process: batches and processors round otherwise."""
EXACT = 1e-9
"""What columns of one row may differ by, which are computed from one another."""
NUMBERS = ("score_trig", "expected", "confidence", "off_mass")
DECIDED = ("key", "image_key", "rubric", "judge", "scale", "max_pixels", "reference_image")
"""Columns that follow from the question."""
Show = Callable[[str, Iterator[tuple[int, int]]], object]
Row = Mapping[str, Any]


class Claims:
    """The scores of a model beside the questions that are asked here."""

    def __init__(self, model: str, settings: Params, places: Places, prompts: pl.DataFrame, judge: Judge) -> None:
        self.model, self.settings, self.places, self.judge = model, settings, places, judge
        asked = numbered(split(scoped(prompts, settings.scope(model)), "test"), settings.generate.seeds_per_prompt)
        self.painted = Painted(asked, Library(places.sources), Album.open(places.images(model)))
        self.calls = calls(self.painted, judge.revision, settings.judge)
        scores = tables.read(places.scores(model), SCORES).filter(scorer=settings.judge.name)
        there = diagnosed(scores, tables.read(places.diagnostics(model), DIAGNOSTICS))
        self.rows = {tuple(map(str, row)): found for row, found in zip(there.select(NAMES).rows(), there.to_dicts(), strict=True)}

    def row(self, call: Call) -> Row | None:
        """The row of a question."""
        return self.rows.get(_key(call))

    def wrong(self, call: Call, what: str, found: Checked) -> None:
        """Note a finding."""
        found.wrong(self.places.scores(self.model), named(_key(call)), what)


def _key(call: Call) -> tuple[str, ...]:
    return tuple(str(call.row[name]) for name in NAMES)


def columns(claims: Claims, found: Checked) -> None:
    """Check every row: it is of the question that is asked here, and S, C and C·S follow from its probabilities."""
    for call in claims.calls:
        row = claims.row(call)
        if row is None:
            claims.wrong(call, "it has no row", found)
            continue
        judge = claims.settings.judge
        here: dict[str, object] = {"judge": f"{judge.name}@{claims.judge.revision}", "key": call.key, "scale": "/".join(judge.scale.grades)}
        here |= {"max_pixels": judge.max_pixels, "reference_image": judge.reference_image} | dict(call.row)
        if other := [name for name in DECIDED if row[name] != here[name]]:
            claims.wrong(call, f"{', '.join(other)}: of another picture, prompt, rubric or judge than is here", found)
        elif what := _contradiction(row, claims):
            claims.wrong(call, what, found)
    known = {_key(call) for call in claims.calls}
    for other_row in claims.rows.keys() - known:
        found.wrong(claims.places.scores(claims.model), named(other_row), "no prompt asks for it")


def _contradiction(row: Row, claims: Claims) -> str | None:
    """Which column does not follow from the others."""
    p, scale = row["p"], claims.settings.judge.scale
    if row["status"] != "ok" or p is None:
        return None if row["score_trig"] is None else f"score_trig: {row['score_trig']:.4f}, where there is no answer"
    worth = fsum(index / (len(p) - 1) * share for index, share in enumerate(p))
    rounding = EXACT if scale.decimals is None else 10.0**-scale.decimals
    follows = {"confidence": (max(p), EXACT), "expected": (worth, rounding)}
    follows["score_trig"] = (row["confidence"] * row["expected"], EXACT)
    for name, (value, limit) in follows.items():
        if abs(row[name] - value) > limit:
            return f"{name}: {row[name]:.4f} stands there, and {value:.4f} follows from the row's other columns"
    return None


def again(claims: Claims, wanted: Sequence[int], found: Checked, show: Show) -> None:
    """Ask the judge these questions anew and compare the answers, without the work store. Pictures that have other bytes are not shown to it."""
    chosen = [call for index in wanted if claims.row(call := claims.calls[index]) and call.shown.missing is None]
    altered = _altered(claims, chosen, found)
    chosen = [call for call in chosen if call.shown.index not in altered]
    relaxed = claims.settings.judge.model_copy(update={"max_failures": max(len(chosen), claims.settings.judge.max_failures)})
    unanswered = 0
    with Store.passing() as store:
        show(f"judge {claims.model}", ((step.done, step.total) for step in answer(chosen, claims.painted, claims.judge, store, relaxed)))
        for call, result in results(chosen, store):
            if isinstance(result.answer, Refusal) and not result.answer.final:
                unanswered += 1
                continue
            row = claims.row(call)
            assert row is not None, "rows without a partner are left out above"
            fresh = rated(call, result, claims.judge.revision, claims.settings.judge)
            if what := _moved(row, fresh, allowed(row, claims.settings)):
                claims.wrong(call, what, found)
    if unanswered:
        found.notes.append(f"{claims.model}: {unanswered} questions had no answer, and their scores are not compared")
    found.rows, found.of = found.rows + len(chosen) - unanswered, found.of + len(claims.calls)


def allowed(row: Row, settings: Params) -> float:
    """What a probability of a row may move: as much as canary questions may, and less in float32 in this process."""
    if row["stderr"] is not None:
        return max(LEAST, SIGMAS * sqrt(0.5 / settings.judge.samples))
    if settings.judges[settings.judge.name].backend == "transformers" and row["dtype"] == "float32":
        return FINE
    return max(LEAST, TIMES * (row["canary_noise"] or 0.0))


def _moved(row: Row, fresh: Row, limit: float) -> str | None:
    """What is other about an answer."""
    if row["status"] != fresh["status"]:
        why = fresh["reason"] or "a score"
        return f"status: {row['status']} stands there, and the judge gives {fresh['status']} ({why})"
    grades = zip(row["p"] or (), fresh["p"] or (), strict=False)
    pairs = {name: (row[name], fresh[name]) for name in NUMBERS} | {f"p[{index}]": pair for index, pair in enumerate(grades)}
    for name, (there, now) in pairs.items():
        if (there is None) != (now is None) or (there is not None and abs(there - now) > limit):
            said = " and the judge gives ".join("nothing" if value is None else f"{value:.4f}" for value in (there, now))
            return f"{name}: {said}; {limit:g} is rounding"
    return None


def _altered(claims: Claims, chosen: Sequence[Call], found: Checked) -> set[int]:
    """Places of the pictures that have other bytes than their rows name."""
    wanted = {call.shown.index: call for call in chosen}
    altered = set[int]()
    for index, files in claims.painted.read(wanted):
        call = wanted[index]
        if isinstance(files, Refusal) or digest(files[0]) != call.shown.digests[0]:
            altered.add(index)
            table = claims.places.images(claims.model) / str(call.row["task"]) / f"{call.row['pair']}.parquet"
            found.wrong(table, named(_key(call)[:3]), "picture: its bytes are not those of its digest; its scores are not compared")
    return altered
