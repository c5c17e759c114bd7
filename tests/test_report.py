"""Report statistics against reference implementations, and properties of the page."""

import json
import re
import zlib
from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser
from io import BytesIO
from itertools import permutations
from math import isnan
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import polars as pl
import pytest
import workplace
from lines import names
from PIL import Image
from reporting import BACKGROUND, THRESHOLDS, Run, run_of
from scipy import stats

from trig import tables
from trig.classify import change
from trig.classify.relations import relations
from trig.classify.samples import points, rooted
from trig.errors import PictureError, TableError, TrigError
from trig.judge.rubrics import rubrics
from trig.params import load
from trig.report import digest, numbers, page, sheets, sources, stills, theme
from trig.report.facts.digest import Gate, Tuning, Yardstick
from trig.report.gather import picked
from trig.report.sheets import Sheet
from trig.store import Store
from trig.tables.images import IMAGES
from trig.tables.kinds import RELATION, TASK
from trig.testing import factories
from trig.vocabulary.dimensions import Dimension, Task


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_of(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def html(ran: Run) -> str:
    return ran.html


def embedded(html: str, name: str = "facts") -> Any:
    """Data embedded in the page."""
    return json.loads(re.findall(rf'<script type="application/json" id="{name}">(.*?)</script>', html, re.DOTALL)[0])


def test_means_equal_plain_ones(ran: Run) -> None:
    found = numbers.means(ran.answers, "expected").filter(model="tiny", dimension="IQ-R").row(0, named=True)
    rows = ran.scores.filter(model="tiny", dimension="IQ-R")["expected"]
    values = [value for value in rows if value is not None]
    assert found["mean"] == pytest.approx(mean(values))
    assert (found["low"], found["high"]) == pytest.approx(tuple(stats.ttest_1samp(values, 0).confidence_interval()))
    assert (found["n"], found["nulls"]) == (len(values), len(rows) - len(values))


def test_changes_are_paired(ran: Run) -> None:
    tuning = ran.background.tunings[0]
    found = numbers.changes(ran.scores, tuning, "expected")
    score = {(row["model"], row["data_id"], row["dimension"]): row["expected"] for row in ran.scores.iter_rows(named=True)}
    for row in found.iter_rows(named=True):
        keys = [key[1:] for key in score if key[0] == "tiny" and key[2] == row["dimension"] and key[1].startswith(row["pair"] or "")]
        both = [(score["tiny", *key], score["tiny-dtm", *key]) for key in keys]
        gains = [after - before for before, after in both if before is not None and after is not None]
        assert row["n"] == len(gains)
        assert row["mean"] == pytest.approx(mean(gains))
        assert row["after"] - row["before"] == pytest.approx(row["mean"])
    assert found["pair"].to_list() == ["IQ-R_TA-S"] * 2 + [None] * 10


def test_a_model_compared_with_itself_does_not_change(ran: Run) -> None:
    found = numbers.changes(ran.scores, Tuning("tiny", "tiny", ()), "expected")
    assert found.select("mean", "low", "high").unique().rows() == [(0.0, 0.0, 0.0)]


@pytest.mark.parametrize("copies", [1, 4])
def test_a_models_mean_is_that_of_its_dimensions_and_its_interval_that_of_its_roots(ran: Run, copies: int) -> None:
    answers = ran.answers.with_columns(pl.col("root") // copies)
    row = numbers.levels(answers, "expected").filter(model="tiny").row(0, named=True)
    own = answers.filter(model="tiny").drop_nulls("expected")
    values = {code: part["expected"].to_list() for (code,), part in own.group_by("dimension")}
    assert row["mean"] == pytest.approx(mean(map(mean, values.values())))
    moved: dict[int, float] = {}
    for code, root, score in own.select("dimension", "root", "expected").iter_rows():
        moved[root] = moved.get(root, 0.0) + (score - mean(values[code])) / len(values[code]) / len(values)
    spread = (sum(value**2 for value in moved.values()) * len(moved) / (len(moved) - 1)) ** 0.5
    assert row["high"] - row["mean"] == pytest.approx(stats.t.ppf(0.975, len(moved) - 1) * spread)
    assert (row["n"], row["n"] + row["nulls"]) == (own.height, ran.scores.filter(model="tiny").height)


def test_a_model_without_scores_has_no_mean(ran: Run) -> None:
    none = ran.scores.with_columns(expected=pl.lit(None, pl.Float64))
    assert numbers.levels(none, "expected")["mean"].to_list() == [None] * 3
    assert replace(ran, scores=none).html


def test_a_model_that_lacks_a_dimension_has_no_mean_beside_those_that_have_it(ran: Run) -> None:
    lacking = (pl.col("model") == "tiny-turbo") & (pl.col("dimension") == "D-K")
    answers = ran.answers.with_columns(expected=pl.when(~lacking).then("expected"))
    found = dict(numbers.levels(answers, "expected").select("model", "mean").iter_rows())
    assert [model for model, mean in found.items() if mean is None] == ["tiny-turbo"]
    assert found["tiny"] == numbers.levels(ran.answers, "expected").filter(model="tiny")["mean"].item()


def test_one_model_alone_is_a_report_too(ran: Run) -> None:
    own = {name: getattr(ran, name).filter(model="tiny") for name in ("scores", "relations")}
    background, shown = replace(ran.background, tunings=()), [one for one in ran.sheets if one.model == "tiny"]
    html = replace(ran, **own, models=("tiny",), background=background, sheets=shown).html
    assert embedded(html)["models"] == ["tiny"]
    assert embedded(html, "part-moves-t2i") == []


def test_models_of_different_tasks_have_no_mean_side_by_side(ran: Run) -> None:
    task = pl.when(pl.col("model") == "tiny-turbo").then(pl.lit("p2p")).otherwise(pl.lit("t2i")).cast(TASK)
    both = ran.answers.with_columns(task=task)
    assert numbers.levels(both, "expected").select("mean", "low", "high").unique().rows() == [(None, None, None)]
    found = numbers.means(both, "expected")
    assert found.select("mean", "low", "high").unique().rows() == [(None, None, None)]
    assert found["n"].to_list() == numbers.means(ran.answers, "expected")["n"].to_list()


@pytest.mark.parametrize("column", ["confidence", "off_mass"])
def test_a_histogram_holds_every_answer_once(ran: Run, column: str) -> None:
    steps = numbers.histogram(ran.answers, column)
    for code in set(ran.scores["dimension"]):
        assert sum(step["share"] for step in steps if step["dimension"] == code) == pytest.approx(1, abs=1e-4)
    values = ran.scores.with_columns(confidence=pl.lit(1.0), off_mass=pl.lit(0.0))
    ends = {(step["low"], step["high"], step["share"]) for step in numbers.histogram(values, column)}
    assert ends == ({(0.95, 1.0, 1.0)} if column == "confidence" else {(-6.0, -5.5, 1.0)})


def test_what_the_judge_was_like_equals_plain_numbers(ran: Run) -> None:
    row = numbers.diagnoses(ran.answers).filter(model="tiny", dimension="IQ-R").row(0, named=True)
    own = ran.scores.filter(model="tiny", dimension="IQ-R")
    assert (row["n"], row["nulls"]) == (own.height, own["expected"].null_count())
    assert row["confidence_mean"] == pytest.approx(own["confidence"].mean())
    assert row["off_mass_95"] == pytest.approx(0.01)


def test_copies_of_a_prompt_are_no_more_evidence(ran: Run) -> None:
    """Every prompt twice with equal scores: intervals as without the copies."""
    copies = ran.scores.with_columns(pl.col("data_id") + "_copy", pl.col("key") + "_copy")
    both = pl.concat([ran.scores, copies])
    tuning = ran.background.tunings[0]
    for found, wanted in [
        (numbers.means(both, "expected"), numbers.means(ran.scores, "expected")),
        (numbers.levels(both, "expected"), numbers.levels(ran.scores, "expected")),
        (numbers.changes(both, tuning, "expected"), numbers.changes(ran.scores, tuning, "expected")),
    ]:
        assert found.select("mean", "low", "high").to_numpy() == pytest.approx(wanted.select("mean", "low", "high").to_numpy())
        assert found["n"].to_list() == [2 * n for n in wanted["n"]]


def test_the_means_of_pairs_move_as_trig_compare_says(ran: Run) -> None:
    prompts = ran.prompts.with_columns(
        parent=pl.when(pl.col("data_id").str.ends_with("_2")).then(pl.col("data_id").str.replace("_2$", "_1"))
    )
    scores = rooted(ran.scores.drop("root"), prompts)
    found = numbers.moves(ran.points, scores.select("task", "data_id", "root").unique(), ran.models)["t2i"]
    assert [(told["a"], told["b"]) for told in found] == [("tiny", "tiny-turbo"), ("tiny", "tiny-dtm"), ("tiny-turbo", "tiny-dtm")]
    for told in found:
        one, other = (change.Run(ran.scores.filter(model=model), prompts) for model in (told["a"], told["b"]))
        wanted = change.changes(one, other, THRESHOLDS.model_copy(update={"bootstraps": 0}))
        columns = {name: column for name, column in told.items() if name not in ("a", "b")}
        for row in pl.DataFrame(columns).iter_rows(named=True):
            own = wanted.filter(pair=row["pair"]).row(0, named=True)
            assert row == pytest.approx({name: own[name] for name in columns}, abs=1e-8)


def test_any_two_models_change_as_the_two_alone_do(ran: Run) -> None:
    """Some samples share answers, like prompts in several pairs, and some share a root."""
    copies = pl.col("data_id").str.replace("_(1|2|3)$", "_1")
    scores = ran.scores.with_columns(key=pl.format("{}/{}/{}", pl.col("model"), copies.str.slice(0, 4), pl.col("dimension")))
    scores = scores.with_columns(pl.col("root") // 3, expected=pl.col("expected").first().over("key"))
    found = numbers.couples(scores, "expected", list(permutations(factories.MODELS, 2)))
    assert set(found) == {(a, b) for a in factories.MODELS for b in factories.MODELS if a != b}
    for (a, b), rows in found.items():
        wanted = numbers.changes(scores, Tuning(a, b, ()), "expected").to_dicts()
        assert [row["n"] for row in rows] == [row["n"] for row in wanted]
        for row, other in zip(rows, wanted, strict=True):
            assert row["dimension"] == other["dimension"]
            assert row == pytest.approx({name: value for name, value in other.items() if name != "nulls"}, abs=1e-12)


def test_pictures_are_bounded_and_half_of_them_of_the_same_prompts(ran: Run) -> None:
    assert len(ran.sheets) == 3 * 42
    assert {len(sheet.names) for sheet in ran.sheets} == {3}
    assert {(sheet.columns, sheet.rows) for sheet in ran.sheets} == {(3, 1)}
    for pair in {sheet.pair for sheet in ran.sheets}:
        assert len(set.intersection(*(set(sheet.names) for sheet in ran.sheets if sheet.pair == pair))) >= 2


@pytest.mark.parametrize("per_pair", [0, 1, 2, 5, 12, 40])
def test_picked_samples_reach_from_worst_to_best(ran: Run, per_pair: int) -> None:
    found = [sheet for sheet in picked(ran.scores, ran.score, per_pair) if sheet.pair == "IQ-R_TA-S"]
    level = ran.points.filter(pair="IQ-R_TA-S").group_by("data_id").agg(s=(pl.col("x") + pl.col("y")).mean()).sort("s")
    order = [(name, 0) for name in level["data_id"]]
    assert len(found) == (3 if per_pair else 0)
    for sheet in found:
        assert len(set(sheet.names)) == len(sheet.names) == min(per_pair, 12)
        assert [order.index(name) for name in sheet.names] == sorted(order.index(name) for name in sheet.names)
        assert sheet.names[0] == order[0]
        assert per_pair < 4 or sheet.names[-1] == order[-1]


@pytest.mark.parametrize("limit", [0.2, 0.5, 0.8, 0.9])
def test_if_a_model_has_a_sample_where_both_are_high_or_low_one_is_shown(limit: float) -> None:
    draw = np.random.default_rng(5)
    scores = pl.concat([factories.run_scores(model, factories.run_prompts(40)) for model in factories.MODELS])
    scores = scores.with_columns(expected=pl.Series(draw.uniform(size=scores.height) ** draw.choice([0.3, 1, 3], scores.height)))
    located = points(scores, "expected").filter(pl.col("pair").is_in(["IQ-R_TA-S", "TA-C_TA-S"]))
    names = {(sheet.model, sheet.pair): sheet.names for sheet in picked(scores, "expected", 12)}
    for (model, pair), cloud in located.group_by("model", "pair"):
        for inside in ((pl.col("x") >= limit) & (pl.col("y") >= limit), (pl.col("x") <= limit) & (pl.col("y") <= limit)):
            there = cloud.filter(inside).select("data_id", "number").rows()
            assert not there or set(there).intersection(names[str(model), str(pair)])


def test_a_sheet_holds_the_pictures_in_their_order(tmp_path: Path) -> None:
    frame = factories.run_prompts(8).head(8)
    colours = [(30 * n, 255 - 30 * n, 90) for n in range(8)]
    images = factories.images(frame, "tiny", 64, 64).with_columns(
        image=pl.Series([{"bytes": plain(colour, side), "path": "x"} for colour, side in zip(colours, [64, 400] * 4, strict=True)])
    )
    tables.write(images, IMAGES, tmp_path / "tiny" / "t2i" / "IQ-R_IQ-O.parquet")
    sheet = sheet_of(frame)
    webp = drawn(sheet, tmp_path)
    assert sheets.size(webp) == (6 * 192, 2 * 192)
    with Image.open(BytesIO(webp)) as shown:
        for place, colour in enumerate(colours):
            down, across = divmod(place, 6)
            pixel = np.asarray(shown.convert("RGB"), np.int64)[192 * down + 96, 192 * across + 96]
            assert np.abs(pixel - colour).max() < 8


def sheet_of(frame: pl.DataFrame) -> Sheet:
    """Sheet of all pictures of the first pair."""
    names = tuple(frame["data_id"])
    return Sheet("tiny", "t2i", "IQ-R_IQ-O", tuple((name, 0) for name in names), tuple(f"tiny/{name}" for name in names))


def drawn(sheet: Sheet, images: Path) -> bytes:
    with Store.open(images / "work") as store:
        list(sheets.draw([sheet], images, store))
        return sheets.drawn([sheet], store)[sheet.key]


def test_a_sheet_is_drawn_once(tmp_path: Path) -> None:
    frame = factories.run_prompts(4).head(4)
    shard = tmp_path / "tiny" / "t2i" / "IQ-R_IQ-O.parquet"
    tables.write(factories.images(frame, "tiny", 64, 64), IMAGES, shard)
    first = drawn(sheet_of(frame), tmp_path)
    shard.unlink()
    assert drawn(sheet_of(frame), tmp_path) == first
    with pytest.raises(TableError):
        drawn(replace(sheet_of(frame), pictures=("another", *sheet_of(frame).pictures[1:])), tmp_path)


def plain(colour: tuple[int, int, int], side: int) -> bytes:
    packed = BytesIO()
    Image.new("RGB", (side, side), colour).save(packed, "PNG")
    return packed.getvalue()


@pytest.mark.parametrize("damaged", [b"", b"no picture", factories.png(0, 64, 64)[:200]])
def test_a_damaged_picture_is_one_line(damaged: bytes) -> None:
    with pytest.raises(PictureError, match=names("here", "decoded", "`dvc repro`")) as caught:
        sheets.small(damaged, "here")
    assert "\n" not in str(caught.value)


def test_a_missing_picture_is_one_line(tmp_path: Path) -> None:
    frame = factories.run_prompts(2).head(2)
    shard = tmp_path / "tiny" / "t2i" / "IQ-R_IQ-O.parquet"
    with pytest.raises(TableError, match=names(shard, "images", "`dvc repro generate@tiny`", "`dvc pull`")):
        drawn(sheet_of(frame), tmp_path)
    tables.write(factories.images(frame.head(1), "tiny", 64, 64), IMAGES, shard)
    with pytest.raises(TableError, match=names(shard, "'IQ-R_IQ-O_2'", "`dvc repro generate@tiny`")):
        drawn(sheet_of(frame), tmp_path)
    shard.write_bytes(b"PAR1 no parquet")
    with pytest.raises(TableError, match=names(shard, "parquet", "`dvc repro`")):
        drawn(sheet_of(frame), tmp_path)


def test_the_same_run_gives_the_same_bytes(tmp_path: Path, ran: Run, html: str) -> None:
    again = run_of(tmp_path)
    assert again.html == html
    assert again.stills == ran.stills


def test_a_model_that_was_not_asked_about_a_task_has_no_map_of_it(ran: Run) -> None:
    told = ran.relations.select("model", "task").unique().height
    assert len(stills.mapped(ran.contents)) == told > 1
    one = ran.models[0]
    fewer = replace(ran, relations=ran.relations.filter(pl.col("model") != one))
    assert one in dict(stills.mapped(ran.contents)) and one not in dict(stills.mapped(fewer.contents))


def test_the_picture_of_the_maps_says_how_many_it_leaves_out(ran: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    specs: list[Any] = []
    monkeypatch.setattr(stills, "_png", specs.append)
    known = len(stills.mapped(ran.contents))
    for most in (known - 1, known):
        monkeypatch.setattr(stills, "MOST", most)
        stills.maps(ran.contents)
    grids = [spec["vconcat"][0] for spec in specs]
    assert [grid.get("title") for grid in grids] == [f"{known - 1} of {known} maps; the report has all", None]


def test_a_digest_that_was_kept_gives_the_same_page(tmp_path: Path, ran: Run, html: str) -> None:
    file = tmp_path / "facts.json"
    file.write_bytes(digest.packed(ran.contents.digest))
    assert page.render(replace(ran.contents, digest=digest.read(file))) == html


@pytest.mark.parametrize("damaged", [b"", b"[]", b"{}", b'{"facts": 1, "more": 2}', b"\xff"])
def test_a_damaged_digest_is_one_line(damaged: bytes, tmp_path: Path) -> None:
    file = tmp_path / "facts.json"
    file.write_bytes(damaged)
    with pytest.raises(TrigError, match=names(file, "`dvc repro digest`")):
        digest.read(file)


def test_what_lies_in_the_cache_is_not_written_into(ran: Run, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.write_text("an older page")
    (tmp_path / "index.html").hardlink_to(kept)
    ran.write(tmp_path)
    assert kept.read_text() == "an older page"


def test_shuffled_tables_give_the_same_page(ran: Run, html: str) -> None:
    scores = ran.scores.sample(fraction=1.0, shuffle=True, seed=1)
    shown = picked(scores, ran.score, 3)
    assert replace(ran, scores=scores, relations=relations(scores, THRESHOLDS), sheets=shown).html == html


def test_the_page_holds_the_scores_to_the_last_bit(ran: Run, html: str) -> None:
    names = embedded(html, "part-samples-t2i")["ids"]
    for number, model in enumerate(ran.models):
        own = ran.points.filter(model=model).sort("pair", "data_id")
        assert [(pair, name) for pair, ids in names.items() for name in ids] == own.select("pair", "data_id").rows()
        for side, text in embedded(html, f"part-points-{number}-t2i").items():
            planes = np.frombuffer(zlib.decompress(b64decode(text)), np.uint8)
            values = np.ascontiguousarray(planes.reshape(8, -1).T).view("<f8").ravel()
            assert [None if isnan(value) else value for value in values.tolist()] == own[side].to_list()


def test_a_large_report_keeps_its_samples_and_pictures_beside_the_page(
    ran: Run, html: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(digest, "INSIDE", 1000)
    ran.write(tmp_path)
    outside = (tmp_path / "index.html").read_text("utf-8")
    assert embedded(outside)["inside"] is False
    assert len(outside) < len(html) - sum(map(len, ran.pictures.values()))
    names = {file.name for file in (tmp_path / "files").iterdir()}
    assert (
        len(names) == 3 * 42 + 3 + 3 + 1 + 1 + 1 + 1
    )  # sheets, contact sheets, points of each model; moves, draws, samples; a line about them
    for name in ("points-1-t2i", "samples-t2i"):
        text = (tmp_path / "files" / f"{name}.js").read_text("utf-8")
        assert "</script" not in text
        told = json.loads(text.removeprefix(f'trigPart("{name}", ').removesuffix(");\n"))
        assert (json.loads(zlib.decompress(b64decode(told))) if isinstance(told, str) else told) == embedded(html, f"part-{name}")
    assert len(text) < len(json.dumps(embedded(html, "part-samples-t2i"))) / 2
    ran.write(tmp_path)
    assert {file.name for file in (tmp_path / "files").iterdir()} == names


def test_a_small_report_is_one_file_and_the_table(ran: Run, tmp_path: Path) -> None:
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "points-9-t2i.js").write_text("of a run before")
    ran.write(tmp_path)
    assert [file.name for file in (tmp_path / "files").iterdir()] == ["about.txt"]
    table = pl.read_csv(tmp_path / "relations.csv")
    assert table["rho"].to_list() == ran.relations["rho"].to_list()


class Loads(HTMLParser):
    """Collects external references of a page."""

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
    assert "default-src &#39;none&#39;" in html


def test_prompts_stand_in_the_page_as_data_only(html: str) -> None:
    assert html.count(factories.EVIL) == 0
    assert "<b>3 rows" not in html and "<b>Real?" not in html
    parts = 3 * 42 + 3 + 3 + 1 + 1 + 1
    assert html.count("<script") == html.count("</script>") == 3 + parts
    assert factories.EVIL in embedded(html, "part-samples-t2i")["prompts"].values()
    assert embedded(html)["gates"][1]["failures"] == ["<b>3 rows</b> fail"]
    assert embedded(html)["rubrics"] == BACKGROUND.rubrics


def test_the_first_line_says_which_world_it_is(ran: Run, html: str) -> None:
    assert html.index("This is the tiny world.") < html.index("<nav")
    assert "<strong>This is the tiny world." not in replace(ran, background=replace(ran.background, tiny=False)).html


def test_any_two_models_are_compared_a_tuned_one_with_its_base(ran: Run, html: str) -> None:
    changes = embedded(html)["changes"]
    assert [(one["a"], one["b"]) for one in changes] == [("tiny", "tiny-turbo"), ("tiny", "tiny-dtm"), ("tiny-turbo", "tiny-dtm")]
    assert [row["pair"] for row in changes[1]["rows"]] == ["IQ-R_TA-S"] * 2 + [None] * 10
    turned = embedded(replace(ran, models=("tiny-dtm", "tiny-turbo", "tiny")).html)["changes"]
    assert [(one["a"], one["b"]) for one in turned] == [("tiny-dtm", "tiny-turbo"), ("tiny", "tiny-dtm"), ("tiny-turbo", "tiny")]


def test_every_relation_has_a_colour_a_glyph_and_words() -> None:
    assert set(theme.RELATIONS) == set(theme.GLYPHS) == set(page.ABOUT_RELATIONS) == set(RELATION.categories)
    assert set(theme.LIGHT) == set(theme.DARK)


def test_gates_results_are_read_with_their_links(tmp_path: Path) -> None:
    folder = tmp_path / "gates"
    (folder / "images").mkdir(parents=True)
    (folder / "prompts.json").write_text('{"met": true, "expectations": 4, "failed": 0, "failures": {}, "notes": ["c"]}')
    (folder / "images" / "tiny.json").write_text('{"met": false, "expectations": 2, "failed": 1, "failures": {"a": "b"}, "notes": []}')
    (folder / "images" / "gone.json").write_text('{"met": false}')  # of a model no longer in the roster
    assert sources.gates(folder, ["tiny"]) == (
        Gate("images/tiny", False, 2, ("b",), "gates/images/tiny.html"),
        Gate("prompts", True, 4, (), "gates/prompts.html", ("c",)),
    )
    (folder / "prompts.json").write_text('{"met": tr')
    with pytest.raises(TrigError, match=names(folder / "prompts.json", "`dvc repro`")):
        sources.gates(folder, ["tiny"])


def test_a_tuning_card_is_read(tmp_path: Path) -> None:
    (tmp_path / "tiny.json").write_text('{"revision": "1"}')
    (tmp_path / "tiny-dtm.json").write_text('{"revision": "2", "tuning": {"base": "tiny", "pairs": ["IQ-R_TA-S"], "steps": 200}}')
    roster = ("tiny", "tiny-dtm")
    assert sources.tunings(tmp_path, roster) == (Tuning("tiny", "tiny-dtm", ("IQ-R_TA-S",), {"steps": "200"}),)
    (tmp_path / "tiny-dtm.json").write_text('{"tuning": {}}')
    with pytest.raises(TrigError, match=names(tmp_path / "tiny-dtm.json", "'base'", "`dvc repro finetune`")):
        sources.tunings(tmp_path, roster)


def test_one_large_model_ends_the_tiny_world() -> None:
    settings = load(Path(__file__).parent.parent / "params.yaml")
    assert sources.tiny(settings)
    larger = settings.models["tiny"].model_copy(update={"weights": "vendor/large"})
    assert not sources.tiny(settings.model_copy(update={"models": {**settings.models, "tiny": larger}}))


def test_a_yardstick_of_another_judge_is_not_shown(tmp_path: Path) -> None:
    scores = factories.run_scores("tiny", factories.run_prompts(1))
    row = {"dimension": "IQ-R", "n": 200, "rho": 0.97}
    file = tmp_path / "judge.json"
    file.write_text(json.dumps({"judge": "factory@1", "against": "the truth", "dimensions": [row, {**row, "rho": None}]}))
    assert sources.yardstick(file, scores) == Yardstick("the truth", {"IQ-R": 0.97}, {"IQ-R": 200})
    assert sources.yardstick(file, scores.with_columns(judge=pl.lit("other@1"))) is None
    file.write_text('{"judge": "x"}')
    with pytest.raises(TrigError, match=names(file, "'dimensions'", "`trig tiny evaluate --json`", "report.agreement")):
        sources.yardstick(file, scores)


@pytest.mark.parametrize(("row", "said"), [
    ({"dimension": "IQ-R", "n": 2, "rho": "high"}, ("'high'",)),
    ({"dimension": "IQ-R", "n": 2, "rho": float("nan")}, ("rho nan", "-1", "1")),
    ({"dimension": "IQ-Q", "n": 2, "rho": 0.5}, ("'IQ-Q'",)),
])  # fmt: skip
def test_a_yardstick_that_cannot_be_is_one_line(tmp_path: Path, row: dict[str, object], said: tuple[str, ...]) -> None:
    file = tmp_path / "judge.json"
    file.write_text(json.dumps({"judge": "factory@1", "against": "the truth", "dimensions": [row]}))
    with pytest.raises(TrigError, match=names(file, *said, "`trig tiny evaluate --json`", "report.agreement")):
        sources.yardstick(file, factories.run_scores("tiny", factories.run_prompts(1)))


def test_tasks_are_never_mixed(ran: Run) -> None:
    """In the second task the tuned model loses what it gains in the first."""
    gain = pl.when(pl.col("model") == "tiny-dtm").then(0.1).otherwise(0.0)
    first = ran.scores.with_columns(expected=0.5 + gain)
    second = first.with_columns(
        task=pl.lit("p2p").cast(first.schema["task"]), expected=0.5 - gain, key="p" + pl.col("key"), image_key="p" + pl.col("image_key")
    )
    scores = pl.concat([first, second])
    found = numbers.changes(scores, ran.background.tunings[0], "expected")
    both = [
        {row["task"]: row["mean"] for row in rows}
        for rows in (found.to_dicts(), numbers.couples(scores, "expected", [("tiny", "tiny-dtm")])["tiny", "tiny-dtm"])
    ]
    assert both == [pytest.approx({"t2i": 0.1, "p2p": -0.1})] * 2
    assert found.group_by("task").len()["len"].to_list() == [12, 12]


def test_the_settings_tell_the_seed_and_how_models_were_called() -> None:
    told = sources.settings(load(Path(__file__).parent.parent / "params.yaml"))
    assert told["seed"] == "42"
    assert "steps 4" in told["model tiny-turbo"] and "scale Bad/Medium/Good" in told["judge"]


def test_the_rubrics_told_are_those_of_the_scored_tasks_and_dimensions(ran: Run) -> None:
    settings = load(Path(__file__).parent.parent / "params.yaml")
    scores = ran.scores.filter(pl.col("dimension").is_in(["R-B", "IQ-R"]))
    found = sources.rubrics(settings, scores)
    texts = rubrics("brief", Task.T2I, settings.judge.scale.grades)
    assert found["name"] == "brief"
    assert found["texts"] == [{"task": "t2i", "dimension": code, "text": texts[Dimension(code)]} for code in ("IQ-R", "R-B")]


def test_hashes_name_prompts_pictures_and_rubrics(ran: Run) -> None:
    first = sources.hashes(ran.prompts, ran.scores)
    assert sources.hashes(ran.prompts.sample(fraction=1, shuffle=True, seed=1), ran.scores.reverse()) == first
    assert set(first) == {f"hash of the {name}" for name in ("prompts", "rubrics", *(f"pictures of {model}" for model in factories.MODELS))}
    assert not set(first) & set(sources.settings(load(Path(__file__).parent.parent / "params.yaml")))
    edited = ran.prompts.with_columns(key=pl.when(pl.col("data_id") == "IQ-R_IQ-O_1").then(pl.lit("another")).otherwise("key"))
    assert [name for name, value in sources.hashes(edited, ran.scores).items() if value != first[name]] == ["hash of the prompts"]


DRAW = (
    "import hashlib; from trig.report import stills; print(hashlib.md5(stills._png(stills._legend()), usedforsecurity=False).hexdigest())"
)


def test_the_stills_are_the_same_with_any_fonts_and_with_none(tmp_path: Path) -> None:
    """An installed Liberation Sans may differ in version from vl-convert's bundled one."""
    (tmp_path / "fonts").mkdir()
    drawn = set()
    for place in (tmp_path / "fonts", Path("/usr/share/fonts")):
        (tmp_path / "fonts.conf").write_text(f"<fontconfig><dir>{place}</dir></fontconfig>", "utf-8")
        ran = workplace.python("-c", DRAW, cwd=tmp_path, FONTCONFIG_FILE=str(tmp_path / "fonts.conf"))
        assert ran.returncode == 0, ran.stderr
        drawn.add(ran.stdout)
    assert len(drawn) == 1
