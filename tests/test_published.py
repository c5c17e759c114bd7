"""Published numbers are consistent: the paper's claims about its maps hold for the rows in the package."""

import json

import polars as pl
import pytest
from lines import names
from typer.testing import CliRunner

from trig import published
from trig.classify.map import lines
from trig.cli.main import app
from trig.errors import ParamsError
from trig.tables.relations import RELATIONS
from trig.vocabulary.dimensions import Dimension, Pair, Task, pairs
from trig.vocabulary.sizes import published_size

MAPS = published.relations()
COUNTS = {
    "flux": {"synergy": 4, "bottleneck": 10, "tilt": 8, "dispersion": 4, "none": 16},
    "janus": {"synergy": 6, "bottleneck": 7, "tilt": 8, "none": 21},
}
RHOS = {"flux": (0.452, 0.955, 0.788, 4, 8), "janus": (0.648, 0.972, 0.823, 0, 4)}
"""Minimum, maximum and mean rho, and the pairs with rho below 0.6 and at most 0.7."""
OVERALL = {
    "flux": (0.656, 0.671, 0.733, 0.691, 0.700, 0.568, 0.477, 0.487, 0.342, 0.634),
    "janus": (0.690, 0.755, 0.734, 0.705, 0.715, 0.641, 0.560, 0.597, 0.312, 0.736),
}
"""Mean of each dimension over all its samples, as in the released maps."""


def map_of(name: str) -> pl.DataFrame:
    return published.relations_of(published.PREFIX + name)


@pytest.mark.parametrize("name", published.MAPS)
def test_a_map_has_the_pairs_and_the_relations_that_were_released(name: str) -> None:
    found = map_of(name)
    assert set(found["pair"]) == set(map(str, pairs(Task.T2I)))
    assert dict(found["relation"].value_counts().iter_rows()) == COUNTS[name]
    assert (found["leaning"].is_not_null() == (found["relation"] == "tilt")).all()
    assert all(leaning in pair.split("_") for pair, leaning in found.drop_nulls("leaning").select("pair", "leaning").iter_rows())


@pytest.mark.parametrize("name", published.MAPS)
def test_the_rhos_lie_where_they_should_and_fit_the_relations(name: str) -> None:
    found = map_of(name)
    rho = found["rho"]
    low, high, mean, below, at_most = RHOS[name]
    assert [rho.min(), rho.max(), rho.mean()] == pytest.approx([low, high, mean], abs=6e-4)
    assert ((rho < 0.6).sum(), (rho <= 0.7).sum()) == (below, at_most)
    assert (found.filter(pl.col("relation") == "dispersion")["rho"] < 0.6).all()
    assert (found.filter(pl.col("relation") == "none")["rho"] >= 0.6).all()


@pytest.mark.parametrize("name", published.MAPS)
def test_the_means_of_the_pairs_add_up_to_those_of_the_dimensions(name: str) -> None:
    """Weighted by the published subset sizes."""
    sums = {dimension: [0.0, 0] for dimension in Dimension}
    for text, *means in map_of(name).select("pair", "mean_x", "mean_y").iter_rows():
        pair = Pair.parse(text)
        for dimension, mean in zip((pair.x, pair.y), means, strict=True):
            sums[dimension][0] += mean * published_size(Task.T2I, pair)
            sums[dimension][1] += published_size(Task.T2I, pair)
    assert [total / n for total, n in sums.values()] == pytest.approx(OVERALL[name], abs=1e-3)


def test_a_tilt_leans_as_its_code_says() -> None:
    leaning = {(model, pair): code for model, pair, code in MAPS.select("model", "pair", "leaning").iter_rows()}
    assert leaning["published:flux", "IQ-A_TA-S"] == "IQ-A"  # 2: the first
    assert leaning["published:flux", "TA-C_R-B"] == "R-B"  # -2: the second
    assert leaning["published:janus", "IQ-R_D-A"] == "D-A"
    assert lines(MAPS, "published:janus", "t2i")[:2] == (
        "Synergy (i): Aesthetics, Content, Originality",
        "Synergy (ii): Content, Originality, Relation",
    )


def test_table_3_has_nineteen_rows_of_ten_means() -> None:
    means = published.means()
    assert means.height == 190 and means["mean"].is_between(0.3, 1).all()
    rows = means.unique(["task", "model", "dtm"])
    assert dict(rows["task"].value_counts().iter_rows()) == {"t2i": 8, "p2p": 5, "s2p": 6}
    assert rows.filter("dtm").select("model").to_series().sort().to_list() == ["FLUX-IP-Adapter", "HQEdit", "Sana"]
    assert rows.filter(~pl.col("dtm"))["model"].n_unique() == 14
    best = means.filter(pl.col("task") == "t2i").sort("mean").group_by("dimension").last()
    assert dict(best.select("dimension", "model").iter_rows())["R-B"] == "DALL-E 3"


def test_published_rows_say_so_and_are_no_relations_table() -> None:
    assert set(MAPS["source"]) == set(published.means()["source"]) == {"published (arXiv 2507.22100)"}
    assert MAPS["model"].str.starts_with("published:").all()
    assert not set(RELATIONS.columns) <= set(MAPS.columns)
    with pytest.raises(ParamsError, match=names("published:sana", "published:flux, published:janus")):
        published.relations_of("published:sana")


def test_the_command_prints_them() -> None:
    said = CliRunner().invoke(app, ["published"]).output
    assert said.startswith("published (arXiv 2507.22100)")
    assert "Janus-Pro, published:janus: 6 synergy, 7 bottleneck, 8 tilt, 0 dispersion, 21 none; rho 0.65 to 0.97" in said
    assert "FLUX-IP-Adapter with DTM" in said
    one = CliRunner().invoke(app, ["published", "flux"]).output
    assert [line.split() for line in one.splitlines() if line.startswith("IQ-O_IQ-A")] == [
        ["IQ-O_IQ-A", "synergy", "0.9225", "0.770", "0.846"]
    ]
    told = json.loads(CliRunner().invoke(app, ["published", "--json"]).output)
    assert (len(told["means"]), len(told["relations"])) == (190, 84)
