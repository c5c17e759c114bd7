"""The rule in the browser equals the rule in Python to the last bit. Skipped without Chromium."""

import json
import random
from base64 import b64encode
from collections.abc import Sequence
from typing import Any

import chromium
import numpy as np
import polars as pl
import pytest
from plain import Points, located, whole
from selenium import webdriver
from test_classify import cloud, limits, thresholds_of

from trig.classify.map import overall
from trig.classify.relations import relations
from trig.params.thresholds import Thresholds
from trig.tables.relations import RELATIONS
from trig.testing import factories
from trig.vocabulary.dimensions import PAIRS
from trig.vocabulary.relations import Kind, Relation, Support

pytestmark = chromium.needed
COUNTS = (
    "n",
    "n_synergy",
    "n_bottleneck",
    "n_tradeoff",
    "density_synergy",
    "density_bottleneck",
    "n_above",
    "n_below",
    "slope",
    "intercept",
)
TOOLS = """
window.clouds = (text, sizes) => {
  const values = new Float64Array(Uint8Array.from(atob(text), (sign) => sign.charCodeAt(0)).buffer);
  let start = 0;
  const take = (size) => values.subarray(start, (start += size));
  return sizes.map((size) => [take(size), take(size)]);
};
"""
COUNT = """
const [text, sizes, rhos, limits] = arguments;
return JSON.stringify(clouds(text, sizes).map(([x, y], place) => {
  const counts = rule.count(x, y, limits);
  return { ...counts, ...rule.verdict(counts, rhos[place], limits) };
}));
"""
REGIONS = """
const [text, sizes, limits] = arguments;
return clouds(text, sizes).map(([x, y]) => Array.from(x, (value, place) => rule.region(value, y[place], limits)));
"""
TESTS = {"tilt": "tilt", "dispersion": "conflict"}
SUPPORT = "const [rows, relations, limits] = arguments; return rows.map((row, place) => rule.support(row, relations[place], limits));"
TIME = """
const draw = (n) => Float64Array.from({ length: n }, Math.random);
const many = Array.from({ length: 1848 }, () => [draw(305), draw(305)]);
const times = Array.from({ length: 5 }, () => {
  const start = performance.now();
  for (const [x, y] of many) rule.verdict(rule.count(x, y, arguments[0]), 0.5, arguments[0]);
  return performance.now() - start;
});
return Math.min(...times);
"""


@pytest.fixture(scope="module")
def page(browser: webdriver.Chrome, tmp_path_factory: pytest.TempPathFactory) -> webdriver.Chrome:
    """Browser with the rule's script loaded."""
    browser.get(chromium.script_page(tmp_path_factory.mktemp("rule"), "rule.js"))
    browser.execute_script(TOOLS)
    assert browser.get_log("browser") == []
    return browser


def sent(clouds: Sequence[Points]) -> tuple[str, list[int]]:
    """Complete samples of clouds, x then y of each, as exact bytes; and the sizes."""
    shown = [np.array(whole(points), dtype=np.float64).reshape(-1, 2) for points in clouds]
    return b64encode(b"".join(points.T.tobytes() for points in shown)).decode(), [len(points) for points in shown]


def fine(draw: random.Random) -> Thresholds:
    """Random thresholds, on the grid of the scores and off it."""

    def between(low: float, high: float) -> float:
        return round(draw.uniform(low, high), draw.choice([1, 2, 17]))

    bottleneck, synergy = between(0, 0.5), between(0.6, 1)
    densities = {"synergy_density": between(0.2, 0.9), "bottleneck_density": between(0.2, 0.9)}
    rest = {"tilt_ratio": between(1, 3), "dispersion_corr": between(-1, 1), "min_points": draw.choice([1, 2, 5, 10, 40])}
    return limits(rule=draw.choice(["paper", "reference"]), bottleneck=bottleneck, synergy=synergy, **densities, **rest)


def on_the_limits(draw: random.Random, t: Thresholds, most: int) -> Points:
    """Scores at the thresholds and adjacent floats."""
    at = [edge for value in (t.synergy, t.bottleneck) for edge in (np.nextafter(value, 0), value, np.nextafter(value, 1))] + [
        0.0,
        0.65,
        1.0,
    ]
    return [(float(draw.choice(at)), float(draw.choice(at))) for _ in range(draw.randint(0, most))]


def test_equals_python_on_6000_random_clouds(page: webdriver.Chrome) -> None:
    draw, seen = random.Random(29), set()
    for number in range(100):
        thresholds = fine(draw) if number % 2 else thresholds_of(draw)
        most = 400 if number % 5 == 0 else 60
        clouds = {f"{n:03}": on_the_limits(draw, thresholds, most) if n % 6 == 0 else cloud(draw, most) for n in range(60)}
        frame = pl.concat([factories.cloud(points, model=name) for name, points in clouds.items()])
        if number % 3 == 0:  # exactly the rho of one cloud
            found_rho = relations(frame, thresholds)["rho"].drop_nulls().to_list()
            thresholds = thresholds.model_copy(update={"dispersion_corr": draw.choice(found_rho)})
        rows = relations(frame, thresholds).to_dicts()
        text, sizes = sent([clouds[row["model"]] for row in rows])
        found = json.loads(page.execute_script(COUNT, text, sizes, [row["rho"] for row in rows], thresholds.model_dump()))
        for one, row in zip(found, rows, strict=True):
            side = {"x": row["pair"].split("_")[0], "y": row["pair"].split("_")[1], None: None}
            want = {name: row[name] for name in (*COUNTS, "relation", "leaning")}
            assert one | {"leaning": side[one["leaning"]]} == want, (clouds[row["model"]], thresholds)
            seen.add((thresholds.rule, one["relation"], one["leaning"], one["slope"] is None))
    assert {name for _, name, _, _ in seen} == set(Relation)
    assert {(rule, side) for rule, _, side, _ in seen if side} == {(rule, side) for rule in ("paper", "reference") for side in "xy"}
    assert {none for _, _, _, none in seen} == {True, False}


@pytest.mark.parametrize("rule", ["paper", "reference"])
def test_points_lie_where_python_locates_them(page: webdriver.Chrome, rule: str) -> None:
    draw, thresholds = random.Random(5), limits(rule=rule)
    clouds = {str(pair): whole([*on_the_limits(draw, thresholds, 80), *cloud(draw)]) for pair in PAIRS}
    found = page.execute_script(REGIONS, *sent(list(clouds.values())), thresholds.model_dump())
    for (pair, points), names in zip(clouds.items(), found, strict=True):
        want = located(factories.cloud(points, pair), thresholds).sort(pl.col("data_id").str.split("_").list.last().cast(pl.Int64))
        assert want["region"].to_list() == names


def both_ways(draw: random.Random, models: str) -> pl.DataFrame:
    """Scores of every pair, with y inverted in every second model."""
    return pl.concat(
        [
            factories.cloud([(x, y if place % 2 or y is None else 1 - y) for x, y in cloud(draw, 90)], str(pair), model)
            for pair in PAIRS
            for place, model in enumerate(models)
        ]
    )


def test_support_follows_what_it_takes_to_believe_a_verdict(page: webdriver.Chrome) -> None:
    draw, seen = random.Random(41), set()
    frame = both_ways(draw, "abcd")
    roots = frame.select("task", "data_id", root=pl.col("data_id").str.replace("[05]$", "")).unique()  # some prompts are copies
    rows = relations(frame, factories.thresholds(), roots).to_dicts()
    stable = [row for row in rows if row["relation"] in ("tilt", "dispersion") and (row["stability"] or 0) >= 0.8]
    met = {name: [found for row in stable if 0 < (found := row[f"{TESTS[row['relation']]}_{name}"]) < 1] for name in "pq"}
    for fdr in [0.01, 0.05, 0.3, 0.9, *draw.sample(met["p"], 4), *draw.sample(met["q"], 4)]:
        belief = {"fdr": fdr, "supported_stability": draw.choice([0.5, 0.8])}
        changed = factories.thresholds(**belief, enough_points=draw.choice([5, 30, 60]))
        want = relations(frame, changed, roots).select("kind", "evidence").to_dicts()
        assert page.execute_script(SUPPORT, rows, [row["relation"] for row in rows], changed.model_dump()) == want
        seen |= {(one["kind"], one["evidence"]) for one in want}
    assert {kind for kind, _ in seen} == {*Kind, None}
    assert {word for _, word in seen} == {*Support, None}


def test_another_verdict_has_a_kind_and_no_evidence(page: webdriver.Chrome) -> None:
    """The interval of rho is threshold-independent, so new dispersions have a kind; the stability of another verdict is not shown."""
    frame, moved = both_ways(random.Random(43), "abcd"), factories.thresholds(tilt_ratio=50.0, dispersion_corr=1.0)
    rows, want = relations(frame, factories.thresholds()).to_dicts(), relations(frame, moved).to_dicts()
    found = page.execute_script(SUPPORT, rows, [row["relation"] for row in want], moved.model_dump())
    assert [one["kind"] for one in found] == [row["kind"] for row in want]
    other = [one["evidence"] for one, row, new in zip(found, rows, want, strict=True) if row["relation"] != new["relation"]]
    assert len(other) > 10
    assert set(other) == {None}


VOTE = "return arguments[0].map((rows) => rule.vote(rows));"


def verdicts(draw: random.Random, models: int) -> pl.DataFrame:
    """A verdict of each model on each pair, of few relations, so that there are majorities."""
    rows = []
    for pair in map(str, PAIRS):
        few, words = draw.choices(list(Relation), k=2), [*Support, draw.choice([None, *Support])]
        for model in range(models):
            relation = draw.choice(few)
            leaning = draw.choice(pair.split("_")) if relation == Relation.TILT else None
            rows.append((f"m{model}", "t2i", pair, relation, leaning, draw.choice(words)))
    columns = ("model", "task", "pair", "relation", "leaning", "evidence")
    return pl.DataFrame(rows, {name: RELATIONS.columns[name] for name in columns}, orient="row").sort("pair")


def test_the_vote_over_all_models_is_pythons(page: webdriver.Chrome) -> None:
    draw, seen = random.Random(47), set()
    nothing = {"relation": None, "leaning": None, "evidence": None}
    for models in range(1, 7):
        frame = verdicts(draw, models)
        want = overall(frame).select("relation", "leaning", "evidence").to_dicts()
        voters = [part.to_dicts() for part in frame.partition_by("pair")]
        for found, own in zip(page.execute_script(VOTE, voters), want, strict=True):
            assert (found or nothing) == (nothing if own["relation"] == Relation.TOO_FEW else own)
            seen.add((own["relation"], own["evidence"]))
    assert {relation for relation, _ in seen} == {*Relation, None}
    assert {evidence for _, evidence in seen} == {*Support, None}


@pytest.mark.parametrize(
    ("low", "high", "kind"), [(-0.2, 0.0, "independent"), (0.0, 0.2, "independent"), (-0.2, -1e-9, "conflict"), (1e-9, 0.2, "loose")]
)
def test_an_interval_that_touches_zero_holds_it(page: webdriver.Chrome, low: float, high: float, kind: str) -> None:
    row = {"relation": "none", "rho_low": low, "rho_high": high}
    assert page.execute_script(SUPPORT, [row], ["dispersion"], limits().model_dump()) == [{"kind": kind, "evidence": None}]


def test_a_table_without_resamples_has_no_evidence(page: webdriver.Chrome) -> None:
    row: dict[str, Any] = dict.fromkeys(("stability", "tilt_p", "tilt_q", "conflict_p", "conflict_q", "rho_low", "rho_high"))
    for relation in Relation:
        assert page.execute_script(SUPPORT, [row | {"relation": relation, "clusters": 50}], [relation], limits().model_dump()) == [
            {"kind": None, "evidence": None}
        ]


def test_the_largest_map_is_named_while_a_hand_moves(page: webdriver.Chrome) -> None:
    """14 models of 132 subsets, 305 samples each."""
    milliseconds = page.execute_script(TIME, limits().model_dump())
    print(f"1,848 clouds of 305 points: {milliseconds:.0f} ms")
    assert milliseconds < 300


CORRELATE = """
const [text, sizes, kind] = arguments;
return clouds(text, sizes).map(([x, y]) => rule.correlation(kind, x, y));
"""


@pytest.mark.parametrize("kind", ["spearman", "kendall", "pearson"])
def test_correlations_equal_pythons(page: webdriver.Chrome, kind: str) -> None:
    draw = random.Random(4)
    clouds = [cloud(draw) for _ in range(300)]
    found = page.execute_script(CORRELATE, *sent(clouds), kind)
    frame = pl.concat([factories.cloud(points, model=f"{place:03}") for place, points in enumerate(clouds)])
    rows = relations(frame, factories.thresholds(correlation=kind, bootstraps=0)).select("model", "rho").rows()
    wanted = [dict(rows).get(f"{place:03}") for place in range(len(clouds))]  # a cloud without rows is not in the table
    assert [value is None for value in found] == [value is None for value in wanted]
    pairs = [(mine, rho) for mine, rho in zip(found, wanted, strict=True) if rho is not None]
    assert len(pairs) > 200
    assert max(abs(mine - rho) for mine, rho in pairs) <= (0 if kind != "pearson" else 2e-12)
