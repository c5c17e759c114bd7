"""Bootstrap weights for the browser: Python's own, shared, bounded; and what the browser counts in them. Browser parts are skipped without Chromium."""

import zlib
from base64 import b64decode
from pathlib import Path

import chromium
import numpy as np
import polars as pl
import pytest
from selenium import webdriver

from trig.classify.draws import draws
from trig.classify.relations import relations
from trig.classify.samples import points
from trig.report import redrawn
from trig.report.facts.parts import Draws, DrawSet
from trig.testing import factories

COUNT = """
const [x, y, draws, relation, limits] = arguments;
return rule.redrawn(Float64Array.from(x), Float64Array.from(y), { ...draws, counts: Uint8Array.from(draws.counts) }, relation, limits);
"""
NUMBERS = (
    "stability",
    "runner_up_share",
    *(f"{name}_{end}" for name in ("density_synergy", "density_bottleneck") for end in ("low", "high")),
)


def clouds(*sizes: int) -> pl.DataFrame:
    """A cloud of each size, one per model, all of one pair."""
    draw = np.random.default_rng(5)
    return pl.concat([factories.cloud(draw.beta(2, 1.2, (size, 2)).tolist(), model=f"m{place}") for place, size in enumerate(sizes)])


def rooted(scores: pl.DataFrame, copies: int) -> pl.DataFrame:
    """Roots of which each has so many prompts."""
    names = scores.select("task", "data_id").unique(maintain_order=True)
    return names.with_columns(root=pl.format("r{}", (pl.col("data_id").str.extract(r"(\d+)$").cast(pl.Int64) // copies).cast(pl.String)))


def sets(scores: pl.DataFrame, roots: pl.DataFrame, bootstraps: int = 30) -> Draws:
    numbered = roots.with_columns(root=pl.col("root").rank("dense").cast(pl.Int64))
    own = points(scores, "expected").join(numbered, on=["task", "data_id"], maintain_order="left")
    return redrawn.redrawn(own, sorted(scores["model"].unique()), ["IQ-R_TA-S", "IQ-R_TA-C"], bootstraps)


def counts(one: DrawSet) -> np.ndarray:
    return np.frombuffer(zlib.decompress(b64decode(one["counts"])), np.uint8).reshape(-1, one["clusters"])


def test_weights_are_pythons_and_shared_by_clouds_of_equal_labels() -> None:
    scores = clouds(20, 12, 20)
    found = sets(scores, rooted(scores, 1))
    assert found["of"] == [[0, None], [1, None], [0, None]]
    assert [(one["labels"], one["clusters"]) for one in found["sets"]] == [(None, 20), (None, 12)]
    assert (np.concatenate(draws(np.arange(20), 30, 50).resamples, axis=1) == counts(found["sets"][0]).T).all()


def test_sets_beyond_the_room_are_left_out_those_of_fewest_clouds_first(monkeypatch: pytest.MonkeyPatch) -> None:
    scores = clouds(20, 12, 20)
    monkeypatch.setattr(redrawn, "MOST", len(sets(scores, rooted(scores, 1))["sets"][0]["counts"]))
    assert sets(scores, rooted(scores, 1))["of"] == [[0, None], [None, None], [0, None]]
    none = sets(scores, rooted(scores, 1), 0)
    assert (none["of"], none["sets"]) == ([[None, None]] * 3, [])


@chromium.needed
@pytest.mark.parametrize("copies", [1, 3])
@pytest.mark.parametrize(
    "changes", [{}, {"correlation": "kendall", "dispersion_corr": 0.9}, {"synergy": 0.6, "rule": "reference"}], ids=str
)
def test_the_browser_counts_what_python_counts(browser: webdriver.Chrome, tmp_path: Path, copies: int, changes: dict[str, object]) -> None:
    scores = clouds(15, 40, 41)
    roots, thresholds = rooted(scores, copies), factories.thresholds(bootstraps=30, **changes)
    found, table = sets(scores, roots), relations(scores, thresholds, roots)
    browser.get(chromium.script_page(tmp_path, "rule.js"))
    for (place,), row in zip(([one[0]] for one in found["of"]), table.iter_rows(named=True), strict=True):
        assert place is not None
        own = points(scores, "expected").filter(model=row["model"])
        told = found["sets"][place]
        packed = {**told, "counts": counts(told).ravel().tolist()}
        seen = browser.execute_script(COUNT, own["x"].to_list(), own["y"].to_list(), packed, row["relation"], thresholds.model_dump())
        assert {name: seen[name] for name in NUMBERS} == pytest.approx({name: row[name] for name in NUMBERS}, abs=1e-15)
        assert seen["runner_up"] == row["runner_up"]
