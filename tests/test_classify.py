"""Relations against the reference implementation, and invariances."""

import math
import random
from dataclasses import asdict
from itertools import combinations
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import polars as pl
import pytest
from lines import names
from plain import PAIR, Points, by_hand, located, whole
from scipy import stats

from trig import tables
from trig.classify.answered import answered
from trig.classify.inputs import roster_diagnosed, roster_scores
from trig.classify.map import ALL, groups, lines, metrics, overall
from trig.classify.relations import check_current, relations
from trig.classify.samples import points
from trig.errors import TableError
from trig.params.thresholds import Thresholds
from trig.tables.diagnostics import DIAGNOSED, DIAGNOSTICS
from trig.tables.kinds import DIMENSION, RELATION
from trig.tables.kinds import PAIR as PAIR_TYPE
from trig.tables.prompts import SPLIT
from trig.tables.relations import RELATIONS
from trig.tables.scores import SCORES
from trig.testing import factories
from trig.vocabulary.dimensions import PAIRS, Task, pairs
from trig.vocabulary.relations import Relation, Support


def limits(**changes: object) -> Thresholds:
    """The paper's thresholds without evidence."""
    return factories.thresholds(**{"bootstraps": 0} | changes)


def only(points: Points, thresholds: Thresholds) -> dict[str, Any]:
    """Row of the relations table for these points."""
    found = tables.check(relations(factories.cloud(points), thresholds), RELATIONS, "relations")
    assert found.height == 1
    return found.row(0, named=True)


def cloud(draw: random.Random, most: int = 60) -> Points:
    """Random cloud of at most `most` points, with ties, constants, correlation, missing scores and missing rows."""
    n, steps = draw.randint(0, most), draw.choice([2, 4, 10, 97, 10**6])
    centre, spread, together = draw.random(), draw.choice([0.0, 0.1, 0.4, 1.0]), draw.random()
    missing = draw.choice([0.0, 0.0, 0.2])

    def score(shared: float) -> float | None:
        if draw.random() < missing:
            return draw.choice([None, math.nan])
        value = centre + spread * (together * shared + (1 - together) * draw.uniform(-1, 1))
        return round(min(max(value, 0.0), 1.0) * steps) / steps

    return [(score(shared), score(shared)) for shared in (draw.uniform(-1, 1) for _ in range(n))]


def thresholds_of(draw: random.Random) -> Thresholds:
    """Random thresholds that make every relation likely."""
    bottleneck = draw.choice([0.2, 0.5])
    return limits(
        rule=draw.choice(["paper", "reference"]),
        correlation=draw.choice(["spearman", "spearman", "pearson", "kendall"]),
        bottleneck=bottleneck,
        synergy=draw.choice([0.6, 0.8]),
        synergy_density=draw.choice([0.4, 0.8]),
        bottleneck_density=draw.choice([0.4, 0.5]),
        tilt_ratio=draw.choice([1.0, 1.25, 1.5, 3.0]),
        dispersion_corr=draw.choice([0.0, 0.6, 0.7]),
        min_points=draw.choice([3, 10]),
    )


COUNTS = ("relation", "leaning", "n_synergy", "n_bottleneck", "n_above", "n_below")


def test_equals_a_plain_loop_on_10000_random_clouds() -> None:
    draw, seen = random.Random(7), set()
    for number in range(100):
        most = 400 if number % 5 == 0 else 60
        thresholds, clouds = thresholds_of(draw), {f"{n:03}": cloud(draw, most) for n in range(100)}
        found = relations(pl.concat([factories.cloud(points, model=name) for name, points in clouds.items()]), thresholds)
        for row in tables.check(found, RELATIONS, "relations").iter_rows(named=True):
            assert tuple(row[column] for column in COUNTS) == by_hand(clouds[row["model"]], thresholds), (clouds[row["model"]], thresholds)
            assert row["n"] == row["n_synergy"] + row["n_bottleneck"] + row["n_tradeoff"]
            seen.add(row["relation"])
    assert seen == set(Relation)


SCIPYS = {"spearman": stats.spearmanr, "pearson": stats.pearsonr, "kendall": stats.kendalltau}


@pytest.mark.parametrize("kind", SCIPYS)
def test_rho_and_p_equal_scipys(kind: str) -> None:
    draw = random.Random(11)
    for _ in range(200):
        points = whole(cloud(draw))
        if len(points) < 3:
            continue
        row, (xs, ys) = only(points, limits(correlation=kind)), zip(*points, strict=True)
        if len(set(xs)) == 1 or len(set(ys)) == 1:
            assert row["rho"] is None
            assert row["p_value"] is None
            assert row["relation"] != "dispersion"
            continue
        want = SCIPYS[kind](xs, ys)
        assert row["rho"] == pytest.approx(want.statistic, abs=1e-11)
        if kind != "kendall" and abs(want.statistic) < 1 - 1e-9:
            assert row["p_value"] == pytest.approx(want.pvalue, rel=1e-5, abs=1e-12)
        assert row["mean_x"] == pytest.approx(np.mean(xs))
        assert row["median_y"] == pytest.approx(np.median(ys))


def sampled(draw: random.Random, frame: pl.DataFrame) -> pl.DataFrame:
    """The same scores as sampled answers, some without a standard error."""
    errors = [draw.uniform(0, 0.5) if draw.random() < 0.8 else None for _ in range(frame.height)]
    return frame.with_columns(stderr=pl.Series(errors, dtype=pl.Float64))


def test_noise_is_the_root_mean_square_of_the_answers_errors() -> None:
    draw = random.Random(13)
    read = factories.cloud([(draw.random(), draw.random()) for _ in range(50)], model="read")
    asked = sampled(draw, pl.concat([factories.cloud(cloud(draw), str(pair)) for pair in PAIRS]))
    of_pair = pl.col("pair").cast(pl.String).str.contains("D-K")
    beside = asked.filter(~of_pair).with_columns(dimension=pl.lit("D-K", DIMENSION), stderr=pl.lit(9.0))
    found = relations(pl.concat([read, asked, beside]), limits())
    for model, pair, noise in found.select("model", "pair", "noise").iter_rows():
        errors = asked.filter(model=model, pair=pair)["stderr"].drop_nulls().to_list()
        assert (noise is None) == (not errors)
        if errors:
            assert noise == pytest.approx(math.sqrt(math.fsum(error**2 for error in errors) / len(errors)), rel=1e-14)
    assert found.filter(model="read")["noise"].to_list() == [None] != found.filter(model="a")["noise"].unique().to_list()


def test_rows_in_any_order_give_the_same_table() -> None:
    draw = random.Random(3)
    frame = sampled(draw, pl.concat([factories.cloud(cloud(draw), str(pair), model) for pair in PAIRS[:12] for model in ("a", "b")]))
    thresholds = factories.thresholds(bootstraps=50)
    whole = relations(frame, thresholds)
    assert whole.equals(relations(frame.sample(fraction=1.0, shuffle=True, seed=5), thresholds))
    alone, over_all = relations(frame.filter(pl.col("model") == "b"), thresholds), ("tilt_q", "conflict_q", "evidence")
    assert whole.filter(pl.col("model") == "b").drop(over_all).equals(alone.drop(over_all))


def test_ids_that_keep_their_order_give_the_same_table() -> None:
    draw = random.Random(31)
    frame = pl.concat([factories.cloud(cloud(draw), str(pair)) for pair in PAIRS[:12]])
    renamed = frame.with_columns("x-" + pl.col("data_id") + "-y")
    copied = [
        pl.DataFrame({"task": rows["task"], "data_id": rows["data_id"], "root": rows["data_id"].str.head(-1)}) for rows in (frame, frame)
    ]
    named = copied[1].with_columns("x-" + pl.col("data_id") + "-y", root="x-" + pl.col("root"))
    thresholds = factories.thresholds(bootstraps=50)
    want = relations(frame, thresholds, copied[0].unique())
    assert want["clusters"].sum() < want["n"].sum()
    assert want.equals(relations(renamed, thresholds, named.unique()))


def test_however_a_pair_is_named_it_has_one_row() -> None:
    draw, thresholds = random.Random(37), factories.thresholds(bootstraps=30)
    frame = pl.concat([factories.cloud(cloud(draw), str(pair)) for pair in PAIRS])
    turned = pl.col("pair").str.split("_").list.reverse().list.join("_")
    texts = frame.with_columns(pl.col("pair").cast(pl.String))
    half = pl.col("data_id").str.ends_with("1")
    mixed = texts.with_columns(pair=pl.when(half).then(turned).otherwise(pl.col("pair")))
    want = relations(frame, thresholds)
    assert want.equals(relations(texts.with_columns(pair=turned), thresholds))
    assert want.equals(relations(mixed, thresholds))


def test_swapping_the_two_scores_mirrors_the_row() -> None:
    """Regions, counts, rho and means mirror. The line regresses y on x, so tilts and what follows them may differ: pairs have one order."""
    draw, mirrored = random.Random(13), {"synergy", "bottleneck", "too few"}
    for _ in range(120):
        points, thresholds = cloud(draw), limits()
        if all(x is not None and math.isnan(x) for point in points for x in point):
            continue
        one, other = only(points, thresholds), only([(y, x) for x, y in points], thresholds)
        assert all(one[count] == other[count] for count in ("n", "nulls", "n_synergy", "n_bottleneck"))
        assert (one["mean_x"], one["median_y"]) == (other["mean_y"], other["median_x"])
        assert (one["rho"] is None) == (other["rho"] is None)
        assert one["rho"] is None or one["rho"] == pytest.approx(other["rho"], abs=1e-12)
        assert (one["relation"] == other["relation"]) or not {one["relation"], other["relation"]} & mirrored


def test_turning_the_square_by_half_mirrors_the_verdict() -> None:
    """With thresholds symmetric about 0.5, inversion turns synergy into bottleneck, and a tilt leans the other way."""
    draw, turned = random.Random(17), {"synergy": "bottleneck", "bottleneck": "synergy"}
    for _ in range(120):
        points = whole(cloud(draw))
        if not points:
            continue
        thresholds = limits(synergy=0.7001, bottleneck=0.2999, synergy_density=0.51, bottleneck_density=0.51)
        one, other = only(points, thresholds), only([(1 - x, 1 - y) for x, y in points], thresholds)
        assert turned.get(str(one["relation"]), one["relation"]) == other["relation"]
        assert (one["n_above"], one["n_below"]) == (other["n_below"], other["n_above"])
        assert one["leaning"] is None or one["leaning"] != other["leaning"]


def test_too_few_none_and_absent_differ() -> None:
    assert only([(0.6, 0.6)] * 9, limits())["relation"] == "too few"
    assert only([(0.6 + 0.01 * k, 0.6 + 0.01 * k) for k in range(20)], limits())["relation"] == "none"
    assert only([(None, 0.5)] * 12, limits())["nulls"] == 12
    assert relations(factories.cloud([]), limits()).is_empty()


@pytest.mark.parametrize("rule", ["paper", "reference"])
def test_points_are_located_as_they_are_counted(rule: str) -> None:
    draw, thresholds = random.Random(19), limits(rule=rule)
    frame = pl.concat([factories.cloud(cloud(draw), str(pair)) for pair in PAIRS])
    counted = located(frame, thresholds).group_by("pair").agg(pl.col("region").eq(name).sum().alias(name) for name in ("R_S", "R_B", "R_T"))
    both = relations(frame, thresholds).join(counted, on="pair")
    assert both.height > 40
    assert both.select(a="n_synergy", b="n_bottleneck", c="n_tradeoff").rows() == both.select("R_S", "R_B", "R_T").rows()


def test_the_score_column_is_a_parameter() -> None:
    frame = factories.cloud([(0.9, 0.9)] * 20).with_columns(score_trig=pl.col("expected") / 3)
    found = {score: relations(frame, limits(score=score))["relation"].item() for score in ("expected", "score_trig")}
    assert found == {"expected": "synergy", "score_trig": "bottleneck"}


def test_the_map_groups_dimensions() -> None:
    high, low = [(0.9, 0.9)] * 12, [(0.1, 0.1)] * 12
    together = [f"{x}_{y}" for x, y in combinations(("IQ-R", "IQ-A", "TA-C"), 2)]
    lean: Points = [(0.6 + 0.01 * (k % 7), 0.3 if k % 4 else 0.7) for k in range(40)]
    frame = pl.concat(
        [factories.cloud(high, pair) for pair in together] + [factories.cloud(low, "TA-S_D-K"), factories.cloud(lean, "IQ-O_R-B")]
    )
    found = groups(relations(frame, limits()), "a", "t2i")
    assert found.synergies == (("IQ-R", "IQ-A", "TA-C"),)
    assert found.bottlenecks == (("TA-S", "D-K"),)
    assert found.tilts == (("IQ-O", "R-B"),)
    assert found.dispersions == ()


def test_groups_are_all_maximal_cliques() -> None:
    draw = random.Random(23)
    for share in (0.2, 0.5, 0.8, 1.0):
        chosen = [pair for pair in PAIRS if draw.random() < share]
        row = {"model": "a", "task": "t2i", "relation": "synergy", "leaning": None}
        frame = pl.DataFrame([row | {"pair": str(pair)} for pair in chosen]).cast({"pair": PAIR_TYPE, "relation": RELATION})
        want = nx.find_cliques(nx.Graph([(pair.x.value, pair.y.value) for pair in chosen]))
        assert sorted(map(sorted, groups(frame, "a", "t2i").synergies)) == sorted(map(sorted, want))


def verdicts(*said: str) -> pl.DataFrame:
    """A pair's row for each model: a relation, after a tilt the dimension it leans to, then `*` supported, `-` unsupported, `?` unknown, or weak."""
    rows = []
    signs = {"*": "supported", "-": "unsupported", "?": None}
    for place, words in enumerate(said):
        relation, _, leaning = words.rstrip("".join(signs)).partition(":")
        rows.append((f"m{place}", "t2i", PAIR, relation, leaning or None, signs.get(words[-1], "weak")))
    columns = ("model", "task", "pair", "relation", "leaning", "evidence")
    return pl.DataFrame(rows, {name: RELATIONS.columns[name] for name in columns}, orient="row")


@pytest.mark.parametrize(
    ("said", "want"),
    [
        (["synergy*", "synergy", "tilt:IQ-R*"], (3, "synergy", None, 2, 1, "weak")),
        (["synergy*", "synergy*", "tilt:IQ-R"], (3, "synergy", None, 2, 2, "supported")),
        (["synergy*", "synergy*", "none", "synergy"], (4, "synergy", None, 3, 2, "weak")),
        (["synergy", "synergy", "none", "none"], (4, None, None, 0, None, None)),
        (["tilt:IQ-R", "tilt:TA-S", "tilt:TA-S*"], (3, "tilt", "TA-S", 2, 1, "weak")),
        (["tilt:IQ-R", "tilt:TA-S", "none"], (3, None, None, 0, None, None)),
        (["too few", "too few", "dispersion-"], (1, "dispersion", None, 1, 0, "unsupported")),
        (["dispersion-", "dispersion", "none*"], (3, "dispersion", None, 2, 0, "weak")),
        (["none", "none?", "synergy"], (3, "none", None, 2, 0, None)),
        (["none?", "none?"], (2, "none", None, 2, None, None)),
        (["too few"], (0, "too few", None, 0, None, None)),
    ],
)
def test_the_map_over_all_models_is_what_more_than_half_show(said: list[str], want: tuple[object, ...]) -> None:
    assert overall(verdicts(*said)).select("models", "relation", "leaning", "shown", "supported", "evidence").row(0) == want


def test_the_map_over_all_models_has_groups_and_is_that_of_the_only_model() -> None:
    frame = pl.concat([factories.run_scores(model, factories.run_prompts(24)) for model in factories.MODELS])
    found = relations(frame, limits())
    over_all, one = overall(found), overall(found.filter(pl.col("model") == "tiny"))
    assert over_all.select("task", "pair").rows() == one.select("task", "pair").rows() == [("t2i", str(pair)) for pair in pairs(Task.T2I)]
    assert over_all["supported"].null_count() == over_all.height
    assert lines(one, ALL, "t2i") == lines(found, "tiny", "t2i")
    told: Any = metrics(found, answered(frame, factories.run_prompts(24)))["overall"]
    assert told["pairs"]["t2i"] == dict(over_all.select("pair", "relation").iter_rows())
    assert told["map"]["t2i"] == asdict(groups(over_all, ALL, "t2i"))


def test_the_map_in_words() -> None:
    rows = {
        "synergy": ["IQ-R_IQ-O", "IQ-R_TA-C", "IQ-O_TA-C", "IQ-R_IQ-A", "TA-S_D-A"],
        "bottleneck": ["IQ-R_R-T"],
        "dispersion": ["D-K_D-A"],
        "tilt": ["IQ-R_TA-S", "IQ-A_TA-S"],
        "none": ["TA-C_R-B"],
    }
    leaning = {"IQ-R_TA-S": "IQ-R", "IQ-A_TA-S": "TA-S"}
    frame = pl.DataFrame(
        [
            {"model": "a", "task": "t2i", "pair": pair, "relation": name, "leaning": leaning.get(pair)}
            for name in rows
            for pair in rows[name]
        ]
    ).cast({"pair": PAIR_TYPE, "relation": RELATION})
    assert lines(frame, "a", "t2i") == (
        "Synergy (i): Content, Originality, Realism",
        "Synergy (ii): Aesthetics, Realism",
        "Synergy (iii): Ambiguity, Style",
        "Bottleneck (i): Realism, Toxicity",
        "Dispersion (i): Ambiguity, Knowledge",
        "Tilt: Realism over Style; Style over Aesthetics",
    )
    assert lines(frame, "a", "p2p") == ()


def test_groups_are_numbered_in_roman() -> None:
    """Maximum number of cliques of ten dimensions."""
    sides = ["IQ-R IQ-O IQ-A", "TA-C TA-R TA-S", "D-K D-A R-T R-B"]
    apart = {str(pair) for side in sides for pair in PAIRS if {pair.x.value, pair.y.value} <= set(side.split())}
    rows = [
        {"model": "a", "task": "p2p", "pair": str(pair), "relation": "synergy", "leaning": None} for pair in PAIRS if str(pair) not in apart
    ]
    frame = pl.DataFrame(rows).cast({"pair": PAIR_TYPE, "relation": RELATION})
    numbers = [line.split()[1].strip("():") for line in lines(frame, "a", "p2p")]
    assert len(numbers) == 36
    assert [numbers[place - 1] for place in (1, 4, 9, 10, 14, 19, 20, 29, 36)] == "i iv ix x xiv xix xx xxix xxxvi".split()


def test_metrics_are_small_and_count_nulls() -> None:
    frame = factories.cloud([(0.9, 0.5)] * 11 + [(None, 0.5)])
    frame = frame.with_columns(reason=pl.when(pl.col("expected").is_null()).then(pl.lit("no answer")))
    prompts = pl.DataFrame({"split": ["test"] * 12}, schema={"split": SPLIT})
    models: Any = metrics(relations(frame, limits()), answered(frame, prompts))["models"]
    model = models["a"]
    assert model["dimensions"]["IQ-R"] == {"n": 11, "nulls": 1, "score_trig": 0.9, "expected": 0.9}
    assert (model["n"], model["nulls"], model["reasons"]) == (23, 1, {"no answer": 1})
    assert model["pairs"] == {"t2i": {PAIR: "none"}} and "evidence" not in model
    models = metrics(relations(frame, limits(bootstraps=20)), answered(frame, prompts))["models"]
    assert models["a"]["evidence"].keys() == {*Support} and sum(models["a"]["evidence"].values()) == 1


def test_metrics_are_these_and_no_others() -> None:
    frame, prompts = factories.run_scores("tiny", factories.run_prompts(12)), factories.run_prompts(12)
    told: Any = metrics(relations(frame, limits(bootstraps=20)), answered(frame, prompts))
    of_a_model = {"n", "nulls", "reasons", "dimensions", "relations", "pairs", "evidence", "map"}
    assert told.keys() == {"prompts", "models", "overall"} and told["models"]["tiny"].keys() == of_a_model
    assert told["overall"].keys() == {"pairs", "map"}
    assert {name for each in told["models"]["tiny"]["dimensions"].values() for name in each} == {"n", "nulls", "score_trig", "expected"}


def test_only_the_rosters_files_are_read(tmp_path: Path) -> None:
    prompts = factories.run_prompts(2)
    for model in ("a", "b", "gone"):
        frame = factories.run_scores("tiny", prompts).with_columns(model=pl.lit(model))
        tables.write(frame, SCORES, tmp_path / f"{model}.parquet")
    train = pl.col("data_id").str.ends_with("_2")
    split = prompts.with_columns(split=pl.when(train).then(pl.lit("train")).otherwise(pl.col("split").cast(pl.String)))
    found = roster_scores(tmp_path, ["b", "a"], split)
    assert found["model"].unique(maintain_order=True).to_list() == ["b", "a"]
    assert found.filter(train).is_empty()
    assert found.height == 2 * 2 * 42


def test_a_missing_or_swapped_file_is_one_line(tmp_path: Path) -> None:
    prompts = factories.run_prompts(2)
    with pytest.raises(TableError, match=names(tmp_path / "tiny.parquet", "'tiny'", "generate.roster", "`dvc repro judge@tiny`")):
        roster_scores(tmp_path, ["tiny"], prompts)
    tables.write(factories.run_scores("tiny-dtm", prompts), SCORES, tmp_path / "tiny.parquet")
    with pytest.raises(TableError, match=names(tmp_path / "tiny.parquet", "'model'", "'tiny-dtm'", "'tiny'", "`dvc repro judge@tiny`")):
        roster_scores(tmp_path, ["tiny"], prompts)


def test_a_model_without_a_test_prompt_is_one_line(tmp_path: Path) -> None:
    prompts = factories.run_prompts(2)
    tables.write(factories.run_scores("tiny", prompts), SCORES, tmp_path / "tiny.parquet")
    train = prompts.with_columns(split=pl.lit("train", SPLIT))
    with pytest.raises(TableError, match=names(tmp_path / "tiny.parquet", "test split", "`dvc repro judge@tiny`")):
        roster_scores(tmp_path, ["tiny"], train)


def test_diagnostics_are_joined_to_their_scores(tmp_path: Path) -> None:
    """In any order, a score without diagnostics included."""
    prompts = factories.run_prompts(2)
    judged = factories.run_scores("tiny", prompts)
    mixed = pl.concat([judged.head(5), factories.undiagnosed(judged.slice(5))])
    scores, diagnostics = tmp_path / "scores", tmp_path / "diagnostics"
    for frame in (judged, mixed):
        factories.write_scores(tmp_path, "tiny", frame)
        assert roster_diagnosed(scores, diagnostics, ["tiny"], prompts).equals(frame.select(list(DIAGNOSED.columns)))
    tables.write(judged.reverse(), DIAGNOSTICS, diagnostics / "tiny.parquet")
    tables.write(judged, SCORES, scores / "tiny.parquet")
    assert roster_diagnosed(scores, diagnostics, ["tiny"], prompts).equals(judged)
    (diagnostics / "tiny.parquet").unlink()
    with pytest.raises(TableError, match=names(diagnostics / "tiny.parquet", "diagnostics", "`dvc pull`")):
        roster_diagnosed(scores, diagnostics, ["tiny"], prompts)


def test_a_scorer_without_diagnostics_is_classified_by_either_score() -> None:
    judged = pl.concat([factories.run_scores(model, factories.run_prompts(12)) for model in factories.MODELS])
    plain, of_judge = factories.undiagnosed(judged), ("off_mass", "noise")
    want = relations(judged, limits(bootstraps=5))
    for score in ("expected", "score_trig"):
        found = relations(plain, limits(bootstraps=5, score=score))
        assert found.drop(of_judge).equals(want.drop(of_judge))
        assert found["off_mass"].null_count() == found["noise"].null_count() == found.height


def test_two_scores_of_one_kind_are_one_line(tmp_path: Path) -> None:
    prompts = factories.run_prompts(1)
    judged = factories.run_scores("tiny", prompts)
    first = judged["data_id"][0]
    factories.write_scores(tmp_path, "tiny", pl.concat([judged, factories.undiagnosed(judged.filter(data_id=first))]))
    said = names(tmp_path / "scores/tiny.parquet", "'scorer'", "'clip-score'", "'factory'", f"t2i/{first}/0/IQ-")
    with pytest.raises(TableError, match=said):
        roster_scores(tmp_path / "scores", ["tiny"], prompts)


def test_relations_of_other_scores_or_thresholds_are_refused() -> None:
    scores, where = factories.run_scores("tiny", factories.run_prompts(12)), Path("relations.parquet")
    found = relations(scores, limits(bootstraps=5))
    held = points(scores, "expected")
    check_current(found.reverse(), held, limits(bootstraps=5), where)
    for other, thresholds in [(held.slice(2), limits()), (held, limits(synergy=0.6)), (held, limits(dispersion_corr=0.1))]:
        with pytest.raises(TableError, match=names(where, "scores", "thresholds", "`dvc repro report`")):
            check_current(found, other, thresholds, where)
