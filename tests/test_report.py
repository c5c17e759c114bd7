"""The report's numbers against plain ones, its words, and the laws of its page."""

import json
import re
from base64 import b64decode
from collections.abc import Mapping
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path
from statistics import mean, stdev

import polars as pl
import pytest
import synthetic
from PIL import Image

from trig import tables
from trig.classify import map as dtm
from trig.classify.relations import located, relations
from trig.errors import PictureError, TableError, TrigError
from trig.params import load
from trig.report import numbers, page, pictures, sources, stills, theme
from trig.report.contents import Contents, Gate, Tuning

THRESHOLDS = synthetic.thresholds()


def contents_of(root: Path, rows: int = 12, per_pair: int = 3) -> Contents:
    """The contents of a report on an invented run, put together as the stage does."""
    synthetic.write(root, rows)
    prompts = tables.read(root / "prompts.parquet", tables.PROMPTS)
    scores = pl.concat([tables.read(root / "scores" / f"{model}.parquet", tables.SCORES) for model in synthetic.MODELS])
    found, points = relations(scores, THRESHOLDS), located(scores, THRESHOLDS)
    return Contents(
        models=synthetic.MODELS,
        prompts=prompts,
        scores=scores,
        points=points,
        relations=found,
        maps={(model, "t2i"): dtm.lines(found, model, "t2i") for model in synthetic.MODELS},
        pictures=pictures.load(root / "images", synthetic.MODELS, pictures.pick(points, per_pair)),
        thresholds=THRESHOLDS.model_dump(),
        tiny=True,
        tunings=(Tuning("tiny", "tiny-dtm", ("IQ-R_TA-S",), {"steps": "200"}),),
        gates=(Gate("prompts", True, 9, (), "gates/prompts.html"), Gate("scores", False, 7, ("<b>3 rows</b> fail",))),
        versions={"judge": "tiny-judge@0123abcd"},
    )


@pytest.fixture(scope="module")
def contents(tmp_path_factory: pytest.TempPathFactory) -> Contents:
    return contents_of(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def html(contents: Contents) -> str:
    return page.render(contents)


def facts(html: str) -> dict[str, object]:
    """The data inside the page."""
    found: dict[str, object] = json.loads(re.findall(r'<script type="application/json" id="facts">(.*?)</script>', html, re.DOTALL)[0])
    return found


def test_means_equal_plain_ones(contents: Contents) -> None:
    found = numbers.means(contents.scores, "expected").filter(model="tiny", dimension="IQ-R").row(0, named=True)
    rows = contents.scores.filter(model="tiny", dimension="IQ-R")["expected"]
    values = [value for value in rows if value is not None]
    half = 1.96 * stdev(values) / len(values) ** 0.5
    assert found["mean"] == pytest.approx(mean(values))
    assert (found["low"], found["high"]) == (pytest.approx(mean(values) - half), pytest.approx(mean(values) + half))
    assert (found["n"], found["nulls"]) == (len(values), len(rows) - len(values))


def test_changes_are_paired(contents: Contents) -> None:
    tuning = contents.tunings[0]
    found = numbers.changes(contents.scores, tuning, "expected")
    score = {(row["model"], row["data_id"], row["dimension"]): row["expected"] for row in contents.scores.iter_rows(named=True)}
    for row in found.iter_rows(named=True):
        keys = [key[1:] for key in score if key[0] == "tiny" and key[2] == row["dimension"] and key[1].startswith(row["pair"] or "")]
        both = [(score["tiny", *key], score["tiny-dtm", *key]) for key in keys]
        gains = [after - before for before, after in both if before is not None and after is not None]
        assert row["n"] == len(gains)
        assert row["mean"] == pytest.approx(mean(gains))
        assert row["after"] - row["before"] == pytest.approx(row["mean"])
    assert found["pair"].to_list() == ["IQ-R_TA-S"] * 2 + [None] * 10


def test_a_model_compared_with_itself_does_not_change(contents: Contents) -> None:
    found = numbers.changes(contents.scores, Tuning("tiny", "tiny", ()), "expected")
    assert found.select("mean", "low", "high").unique().rows() == [(0.0, 0.0, 0.0)]


@pytest.mark.parametrize(("slope", "intercept"), [(0.5, 0.2), (-2.0, 1.5), (0.0, 0.3), (8.0, -3.0)])
def test_the_line_is_drawn_inside_the_square(slope: float, intercept: float) -> None:
    x, y, x2, y2 = numbers.segment({"slope": slope, "intercept": intercept}) or []
    assert all(-1e-9 <= value <= 1 + 1e-9 for value in (x, y, x2, y2))
    assert x < x2
    assert y == pytest.approx(slope * x + intercept, abs=1e-4)
    assert y2 == pytest.approx(slope * x2 + intercept, abs=1e-4)


def test_a_line_outside_the_square_is_not_drawn() -> None:
    assert numbers.segment({"slope": None, "intercept": None}) is None
    assert numbers.segment({"slope": 0.1, "intercept": 1.5}) is None


def test_verdicts_name_every_count(contents: Contents) -> None:
    for row in contents.relations.iter_rows(named=True):
        words = " ".join(numbers.verdict(row, contents.thresholds))
        assert f"{row['n']} samples: {row['n_synergy']} in R_S" in words
        assert (f"towards {row['leaning']}" in words) == (row["relation"] == "tilt")
        assert (f"{row['nulls']} left out" in words) == (row["nulls"] > 0)
        assert f"{str(row['evidence']).capitalize()} by the evidence." in words
        assert ("A conflict" in words, "No trade-off" in words) == (row["kind"] == "conflict", row["kind"] in {"independent", "loose"})
        assert (f"Runner-up: {row['runner_up']}" in words) == (row["runner_up"] is not None)


def test_a_verdict_without_samples_is_words_too() -> None:
    scores = synthetic.scores("tiny", synthetic.prompts(3)).with_columns(expected=pl.lit(None, pl.Float64))
    row = relations(scores, THRESHOLDS).row(0, named=True)
    assert numbers.verdict(row, THRESHOLDS.model_dump())[0] == "Too few samples for a verdict."


def test_pictures_are_bounded_and_the_same_prompts_for_all_models(contents: Contents) -> None:
    counts = contents.pictures.group_by("model", "pair").agg(n=pl.len())
    assert set(counts["n"]) == {3}
    shown = [set(contents.pictures.filter(model=model)["data_id"]) for model in synthetic.MODELS]
    assert shown[0] == shown[1] == shown[2]


@pytest.mark.parametrize("per_pair", [0, 1, 2, 5, 12, 40])
def test_picked_samples_reach_from_worst_to_best(contents: Contents, per_pair: int) -> None:
    picked = pictures.pick(contents.points, per_pair).filter(pair="IQ-R_TA-S")["data_id"].to_list()
    level = contents.points.filter(pair="IQ-R_TA-S").group_by("data_id").agg(s=(pl.col("x") + pl.col("y")).mean()).sort("s")
    assert len(picked) == len(set(picked)) == min(per_pair, 12)
    assert per_pair < 1 or picked[0] == level["data_id"][0]
    assert per_pair < 2 or picked[-1] == level["data_id"][-1]


def test_large_pictures_are_shrunk() -> None:
    assert size(pictures.data_uri(synthetic.picture(1, 64), "here")) == (64, 64)
    assert size(pictures.data_uri(synthetic.picture(1, 400), "here")) == (pictures.LONGEST_SIDE,) * 2


def size(uri: str) -> tuple[int, int]:
    """Width and height of a data URI's picture."""
    with Image.open(BytesIO(b64decode(uri.partition(",")[2]))) as picture:
        return picture.size


@pytest.mark.parametrize("damaged", [b"", b"no picture", synthetic.picture(0)[:200]])
def test_a_damaged_picture_is_one_line(damaged: bytes) -> None:
    with pytest.raises(PictureError, match="here: the picture cannot be decoded") as caught:
        pictures.data_uri(damaged, "here")
    assert "\n" not in str(caught.value)


def test_a_missing_picture_is_one_line(tmp_path: Path) -> None:
    frame = synthetic.prompts(2).head(2)
    shard = tmp_path / "tiny" / "t2i" / "IQ-R_IQ-O.parquet"
    with pytest.raises(TableError, match="there is no images table"):
        pictures.load(tmp_path, ["tiny"], frame.select("task", "pair", "data_id"))
    tables.write(synthetic.images("tiny", frame.head(1)), tables.IMAGES, shard)
    with pytest.raises(TableError, match="'IQ-R_IQ-O_2' has scores but no picture"):
        pictures.load(tmp_path, ["tiny"], frame.select("task", "pair", "data_id"))


def test_the_same_run_gives_the_same_bytes(tmp_path: Path, contents: Contents, html: str) -> None:
    again = contents_of(tmp_path)
    assert page.render(again) == html
    assert stills.maps(again) == stills.maps(contents)
    assert stills.dimensions(again) == stills.dimensions(contents)


def test_shuffled_tables_give_the_same_page(contents: Contents, html: str) -> None:
    scores = contents.scores.sample(fraction=1.0, shuffle=True, seed=1)
    shuffled = replace(contents, scores=scores, points=located(scores, THRESHOLDS), relations=relations(scores, THRESHOLDS))
    assert page.render(shuffled) == html


class Loads(HTMLParser):
    """Collects what a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = {"link": "href", "script": "src", "img": "src", "iframe": "src"}
        self.found += [value or "" for name, value in attrs if name == names.get(tag)]


def test_the_page_fetches_nothing(html: str) -> None:
    loads = Loads()
    loads.feed(html)
    assert loads.found == ["data:,"]
    assert "default-src 'none'" in html


def test_prompts_stand_in_the_page_as_data_only(html: str) -> None:
    assert html.count(synthetic.EVIL) == 0
    assert html.count("<script") == html.count("</script>") == 3
    prompts = facts(html)["prompts"]
    assert isinstance(prompts, Mapping)
    assert synthetic.EVIL in prompts.values()
    assert "&lt;b&gt;3 rows&lt;/b&gt; fail" in html


def test_the_first_line_says_which_world_it_is(contents: Contents, html: str) -> None:
    assert html.index("This is the tiny world.") < html.index("<h1>")
    assert "This is the tiny world." not in page.render(replace(contents, tiny=False))


def test_a_report_without_tuning_gates_or_nulls(contents: Contents) -> None:
    whole = contents.scores.filter(pl.col("expected").is_not_null())
    html = page.render(replace(contents, scores=whole, tunings=(), gates=()))
    assert "No score is missing." in html
    assert "No gate left a result." in html
    assert 'id="tuned"' not in html


def test_every_relation_has_a_colour_a_glyph_and_words() -> None:
    assert set(theme.RELATIONS) == set(theme.GLYPHS) == set(page.ABOUT_RELATIONS) == set(tables.RELATION.categories)
    assert set(theme.LIGHT) == set(theme.DARK)


def test_gates_results_are_read_with_their_links(tmp_path: Path) -> None:
    folder = tmp_path / "gates"
    (folder / "images").mkdir(parents=True)
    (folder / "prompts.json").write_text('{"met": true, "expectations": 4, "failed": 0, "failures": {}}')
    (folder / "images" / "tiny.json").write_text('{"met": false, "expectations": 2, "failed": 1, "failures": {"a": "b"}}')
    (folder / "images" / "gone.json").write_text('{"met": false}')  # of a model that left the roster
    assert sources.gates(folder, ["tiny"]) == (
        Gate("images/tiny", False, 2, ("b",), "gates/images/tiny.html"),
        Gate("prompts", True, 4, (), "gates/prompts.html"),
    )
    (folder / "prompts.json").write_text('{"met": tr')
    with pytest.raises(TrigError, match=r"prompts.json: cannot be read .*run `dvc repro`"):
        sources.gates(folder, ["tiny"])


def test_a_tuning_card_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "tiny-dtm"
    folder.mkdir()
    (folder / sources.CARD).write_text('{"base": "tiny", "pairs": ["IQ-R_TA-S"], "steps": 200}')
    assert sources.tuning(folder) == Tuning("tiny", "tiny-dtm", ("IQ-R_TA-S",), {"steps": "200"})
    (folder / sources.CARD).write_text("{}")
    with pytest.raises(TrigError, match="field 'base' is missing"):
        sources.tuning(folder)


def test_one_large_model_ends_the_tiny_world() -> None:
    settings = load(Path(__file__).parent.parent / "params.yaml")
    assert sources.tiny(settings)
    larger = settings.models["tiny"].model_copy(update={"weights": "vendor/large"})
    assert not sources.tiny(settings.model_copy(update={"models": {**settings.models, "tiny": larger}}))
