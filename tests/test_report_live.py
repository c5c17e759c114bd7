"""Interactive parts of the report in a real browser: thresholds and verdicts, brush, gallery, comparison. Skipped without Chromium."""

from typing import Any

import chromium
import opened
import polars as pl
import pytest
from opened import Reader, by_pair, towards
from plain import located
from reporting import THRESHOLDS, Run
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.actions.action_builder import ActionBuilder
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from trig.classify.map import overall
from trig.classify.relations import relations
from trig.params.thresholds import Thresholds
from trig.report import numbers
from trig.testing import factories
from trig.vocabulary.relations import Relation

pytestmark = chromium.needed
PAIR = "IQ-R_TA-S"
NAMES = "pair relation evidence stability runner_up rho interval d_s d_b n_a n_b mean_x mean_y favoured n nulls off_mass noise".split()
LIMITS: list[dict[str, object]] = [
    {"synergy": 0.66, "bottleneck": 0.61},
    {"synergy_density": 0.15, "bottleneck_density": 0.05},
    {"tilt_ratio": 1, "rule": "reference", "synergy_density": 0.95},
    {"correlation": "kendall", "dispersion_corr": 0.3, "tilt_ratio": 5},
    {"min_points": 24},
    {"rule": "reference", "correlation": "pearson", "synergy": 0.9, "bottleneck": 0.2, "min_points": 20, "tilt_ratio": 2.5},
]
BELIEFS: list[dict[str, object]] = [
    {"fdr": 0.3, "enough_points": 20},
    {"supported_stability": 0.5, "enough_points": 1},
    {"fdr": 0.01, "enough_points": 5},
]
TESTED = {"tilt": {"synergy", "bottleneck", "rule", "min_points"}, "dispersion": {"correlation", "min_points"}}
"""The limits that decide the test of a relation."""
POINTS = """
return [...document.querySelectorAll('#view .mark-symbol path[aria-label*="sample: "]')].map((path) => {
  const { x, y, width, height } = path.getBoundingClientRect();
  return [path.getAttribute('aria-label').match(/sample: (.*?); x:/s)[1], x + width / 2, y + height / 2];
});
"""
FRAME = """
const [frame, chart] = ['.brush_brush path', '.chart svg'].map((one) => document.querySelector(one).getBoundingClientRect());
return [frame.left - chart.left, frame.bottom - chart.top, frame.width, frame.height];
"""
BESIDE = """
const { left, bottom } = document.querySelector('.brush_brush path').getBoundingClientRect();
return [left - 20, bottom + 20];
"""
OVERALL = """
return [...document.querySelector('.map .chart').querySelectorAll('path[aria-label*="shows: "]')]
  .map((path) => path.getAttribute('aria-label').match(/pair: (.*?); shows: ([^;]*)/).slice(1));
"""
FAINT = """
return [...document.querySelectorAll('#view .mark-symbol path[aria-label*="sample: "]')]
  .filter((path) => Number(path.getAttribute('opacity')) < 0.5).map((path) => path.getAttribute('aria-label').match(/sample: (.*?); x:/s)[1]);
"""
STATE = """
const one = document.activeElement;
return {
  open: [...document.querySelectorAll('#view details')].map((details) => details.open),
  sorted: [...document.querySelectorAll('#view [aria-sort]')].map((head) => [head.textContent, head.ariaSort]),
  across: document.querySelector('#view .scroll').scrollLeft,
  down: scrollY,
  focus: (one.hash ?? '').split('?')[0],
};
"""
RECTS = """
return [...document.querySelectorAll(arguments[0])].map((one) => {
  one.scrollIntoView({ behavior: 'instant', block: 'center' });
  return one.style.backgroundImage;
});
"""


def at(limits: dict[str, object], **more: object) -> Thresholds:
    return Thresholds.model_validate({**THRESHOLDS.model_dump(), **limits, **more})


def believed(ran: Run, limits: dict[str, object]) -> pl.DataFrame:
    """Python's table at these limits, without the evidence that rests on a test which moved limits decide and the page does not compute."""
    found = relations(ran.scores, at(limits))
    untested = [name for name, decide in TESTED.items() if decide & limits.keys()]
    gone = pl.col("relation").cast(pl.String).is_in(untested) & (pl.col("stability") >= 0.5)
    return found.with_columns(evidence=pl.when(~gone).then("evidence"))


def shown(reader: Reader, model: str) -> dict[str, dict[str, tuple[str, str | None]]]:
    """Table of a model's pairs, by column name."""
    rows = [dict(zip(NAMES, row, strict=True)) for row in reader.table(f"Pairs of {model} t2i")]
    return {str(row["pair"][1]): row for row in rows}


def assert_verdicts(reader: Reader, found: pl.DataFrame, limits: dict[str, object]) -> None:
    """Every number of the rule in the models' tables equals Python's to the last digit."""
    for model in factories.MODELS:
        reader.go("model", model, **limits)
        table, want = shown(reader, model), by_pair(found, model)
        assert table.keys() == want.keys()
        for pair, row in table.items():
            own = want[pair]
            assert row["relation"][1] == towards(own), pair
            counts = {name: int(str(row[name][1])) for name in ("n_a", "n_b", "n", "nulls")}
            assert counts == {"n_a": own["n_above"], "n_b": own["n_below"], "n": own["n"], "nulls": own["nulls"]}
            numbers = {name: float(str(row[name][1])) for name in ("rho", "d_s", "d_b")}
            assert numbers == {"rho": own["rho"], "d_s": own["density_synergy"], "d_b": own["density_bottleneck"]}


@pytest.mark.parametrize("limits", LIMITS, ids=str)
def test_verdicts_at_other_limits_are_pythons(reader: Reader, ran: Run, limits: dict[str, object]) -> None:
    found = relations(ran.scores, at(limits, bootstraps=0))
    assert_verdicts(reader, found, limits)
    want = by_pair(believed(ran, limits), "tiny-dtm")
    for pair, cells in shown(reader, "tiny-dtm").items():
        own, runner_up = want[pair], want[pair]["runner_up"]
        assert (cells["evidence"][0], cells["stability"][1]) == (
            own["evidence"] or "–",
            "" if own["stability"] is None else f"{own['stability']:g}",
        )
        assert cells["runner_up"][0] == (f"{runner_up} {100 * own['runner_up_share']:.0f} %" if runner_up else "–")
    assert any(own["evidence"] for own in want.values())
    flips = sum(towards(a) != towards(b) for a, b in zip(found.to_dicts(), ran.relations.to_dicts(), strict=True))
    assert flips > 5
    assert reader.one("#differs").text == f"changed: {flips} of 126 verdicts differ from the run's"
    for pair in ("IQ-R_IQ-O", PAIR, "R-T_R-B" if "R-T_R-B" in ran.relations["pair"] else "D-K_R-B"):
        reader.go("pair", "tiny-turbo", pair, **limits)
        row, words = by_pair(found, "tiny-turbo")[pair], " ".join(reader.texts("#verdict, #reasons li"))
        regions = [f"{row[f'n_{name}']} in {sign}" for name, sign in (("synergy", "R_S"), ("bottleneck", "R_B"), ("tradeoff", "R_T"))]
        assert all(words.count(part) == 1 for part in regions), words
        assert row["slope"] is None or f"N_a = {row['n_above']} above the line, N_b = {row['n_below']} below" in words
        assert (f"Tilt towards {row['leaning']}" in words) if row["leaning"] else (row["relation"] in words.lower())


@pytest.mark.parametrize("beliefs", BELIEFS, ids=str)
def test_evidence_follows_what_it_takes_to_believe_it(reader: Reader, ran: Run, beliefs: dict[str, object]) -> None:
    want = by_pair(relations(ran.scores, at(beliefs)), "tiny")
    reader.go("model", "tiny", **beliefs)
    found = shown(reader, "tiny")
    assert {pair: row["evidence"][0] for pair, row in found.items()} == {pair: row["evidence"] or "–" for pair, row in want.items()}
    assert {pair: float(str(row["stability"][1])) for pair, row in found.items()} == {pair: row["stability"] for pair, row in want.items()}
    assert reader.one("#differs").text == "changed: 0 of 126 verdicts differ from the run's"
    before = by_pair(ran.relations, "tiny")
    assert any(row["evidence"] != before[pair]["evidence"] for pair, row in want.items())


@pytest.mark.parametrize("limits", [{}, LIMITS[0], LIMITS[3], *BELIEFS], ids=str)
def test_the_map_over_all_models_is_pythons(reader: Reader, ran: Run, limits: dict[str, object]) -> None:
    want = overall(believed(ran, limits)).filter(pl.col("relation") != "too few").to_dicts()
    reader.go("overview", **limits)
    reader.draw()
    said = {row["pair"]: towards(row) + (f", {row['evidence']}" if row["evidence"] else "") for row in want}
    assert dict(reader.script(OVERALL)) == said
    words = [f"{n} {name}" for name in Relation if (n := sum(row["relation"] == name for row in want))]
    assert f"models show: {', '.join(words)}. An empty" in reader.texts(".map .counts")[0]


def test_moving_the_controls_changes_verdicts_and_the_address_keeps_them(reader: Reader, ran: Run) -> None:
    limits: dict[str, object] = {
        "synergy": 0.7,
        "bottleneck": 0.6,
        "tilt_ratio": 2,
        "min_points": 12,
        "rule": "reference",
        "correlation": "kendall",
    }
    reader.load("model", "tiny")
    reader.press(reader.one("#panel summary"))
    for name, value in limits.items():
        reader.set(name, value)
    want = by_pair(relations(ran.scores, at(limits, bootstraps=0)), "tiny")
    seen = {pair: row["relation"][1] for pair, row in shown(reader, "tiny").items()}
    assert seen == {pair: towards(row) for pair, row in want.items()}
    kept = reader.hash
    assert all(f"{name}={value}" in kept for name, value in limits.items())
    assert all(kept.split("?")[1] in link for link in reader.links("nav a"))
    reader.browser.get("about:blank")
    reader.browser.get(f"{reader.home}{kept}")
    reader.until(lambda: reader.script(opened.READY))
    assert {pair: row["relation"][1] for pair, row in shown(reader, "tiny").items()} == seen
    assert {name: reader.one(f"#limit-{name}").get_attribute("value") for name in limits} == {
        name: str(value) for name, value in limits.items()
    }
    assert reader.one("#value-tilt_ratio").get_attribute("textContent") == "2"
    reader.press(reader.one("#panel summary"))
    reader.waiting(lambda: reader.press(reader.one("#reset")))
    assert (reader.hash, reader.one("#differs").text) == ("#/model/tiny", "as in the run")
    run = by_pair(ran.relations, "tiny")
    assert {pair: row["relation"][1] for pair, row in shown(reader, "tiny").items()} == {pair: towards(row) for pair, row in run.items()}
    assert not reader.one("#reset").is_enabled()


def test_a_slider_takes_the_keyboard_and_the_regions_never_meet(reader: Reader) -> None:
    reader.load("pair", "tiny", PAIR)
    reader.press(reader.one("#panel summary"))
    slider = reader.one("#limit-bottleneck")
    reader.waiting(lambda: slider.send_keys(Keys.ARROW_RIGHT))
    assert reader.hash.endswith("?bottleneck=0.51")
    assert reader.browser.switch_to.active_element == slider
    reader.waiting(lambda: slider.send_keys(Keys.END))
    assert slider.get_attribute("value") == "0.51"
    reader.set("synergy", 0.3)
    assert (reader.one("#limit-synergy").get_attribute("value"), reader.hash) == ("0.8", f"#/pair/tiny/{PAIR}?bottleneck=0.51")


@pytest.mark.parametrize(
    "query",
    [
        "synergy=high&bottleneck=NaN&rule=mine&correlation=&min_points=-3&fdr=0&tilt_ratio=Infinity&constructor=1",
        "synergy=&dispersion_corr=&tilt_ratio=%20&min_points=10.5&supported_stability=1e9",
        "synergy=0.3&bottleneck=0.7&task=p2p",
        "%E0%A4%A&=&&?#",
    ],
)
def test_an_address_with_nonsense_is_that_of_the_run(reader: Reader, query: str) -> None:
    reader.browser.get("about:blank")
    reader.browser.get(f"{reader.home}#/model/tiny?{query}")
    reader.until(lambda: reader.script(opened.READY))
    assert reader.one("h1").text == "tiny"
    assert reader.one("#differs").text == "as in the run"


@pytest.mark.parametrize(
    "path",
    [
        "nowhere",
        "constructor",
        "%E0%A4%A",
        "model/nobody",
        "compare/tiny/nobody",
        "pictures/nobody",
        "pictures/tiny/X_Y",
        f"model/{factories.EVIL}",
    ],
)
def test_a_page_that_is_not_there_says_so(reader: Reader, path: str) -> None:
    reader.browser.get("about:blank")
    reader.browser.get(f"{reader.home}#/{path.replace(' ', '%20')}")
    reader.until(lambda: reader.script(opened.READY))
    assert (reader.one("h1").text, reader.browser.title) == ("Not here", "Not here – Dimension Trade-off Map")
    assert reader.one("main p").text.startswith("There ")


# The brush


def drag(reader: Reader, start: tuple[float, float], end: tuple[float, float]) -> None:
    mouse = ActionBuilder(reader.browser, duration=60)
    mouse.pointer_action.move_to_location(*map(round, start)).pointer_down()
    for share in (0.5, 1):
        mouse.pointer_action.move_to_location(*(round(a + share * (b - a)) for a, b in zip(start, end, strict=True)))
    mouse.pointer_action.pointer_up()
    mouse.perform()


def framed(reader: Reader, start: tuple[float, float], end: tuple[float, float]) -> str:
    """Brushes over points and reads the result."""
    drag(reader, start, end)
    told: str = reader.until(lambda: next((text for text in reader.texts(".split .fine") if "inside the frame" in text), None))
    reader.until(lambda: 0 < len(reader.cards()) < opened.PICTURES)
    return told


def test_a_brush_shows_the_pictures_of_the_samples_inside(reader: Reader, ran: Run) -> None:
    reader.load("pair", "tiny-dtm", "TA-C_TA-S")
    reader.draw()
    reader.see(reader.one(".chart"))
    places = reader.script(POINTS)
    assert len(places) == ran.relations.filter(model="tiny-dtm", pair="TA-C_TA-S")["n"].item()
    across, up = sorted(x for _, x, _ in places), sorted(y for _, _, y in places)
    middle = len(places) // 2
    left, bottom = (across[middle - 4] + across[middle - 3]) / 2, (up[middle] + up[middle + 1]) / 2
    near = [name for name, x, y in places if abs(x - left) < 1.5 or abs(y - bottom) < 1.5]
    inside = {name for name, x, y in places if x > left and y < bottom}
    said = int(framed(reader, (left, bottom), (across[-1] + 4, up[0] - 4)).split(" sample")[0])
    assert abs(said - len(inside)) <= len(near)
    names = opened.shown(ran, "tiny-dtm", "TA-C_TA-S")
    kept = ran.prompts.filter(pl.col("data_id").is_in(names)).select("data_id", "prompt").rows()
    wanted = {prompt for name, prompt in kept if name in inside}
    unsure = {prompt for name, prompt in kept if name in near}
    found = {card[0] for card in reader.cards()}
    assert 0 < len(found) < len(kept)
    assert found - unsure == wanted - unsure
    reader.see(reader.one(".chart"))
    beside = tuple(reader.script(BESIDE))
    drag(reader, beside, beside)
    reader.until(lambda: len(reader.cards()) == opened.PICTURES)
    assert "All samples." in reader.texts(".split .fine")


def corners(reader: Reader) -> tuple[tuple[float, float], tuple[float, float]]:
    """Around the upper right of the points, in viewport coordinates."""
    reader.see(reader.one(".chart"))
    places = reader.script(POINTS)
    across, up = sorted(x for _, x, _ in places), sorted(y for _, _, y in places)
    return (across[len(across) // 2 - 4] - 2, up[len(up) // 2] + 2), (across[-1] + 4, up[0] - 4)


def test_a_brush_stays_while_a_limit_moves(reader: Reader) -> None:
    reader.load("pair", "tiny-dtm", "TA-C_TA-S")
    reader.draw()
    told = framed(reader, *corners(reader))
    reader.choose("gallery-sort", "x")
    reader.see(reader.one(".chart"))
    frame, faint, prompts = reader.script(FRAME), reader.script(FAINT), [card[0] for card in reader.cards()]
    assert len(reader.script(POINTS)) - len(faint) == int(told.split(" sample")[0])
    reader.set("synergy", 0.62)
    reader.draw()
    assert told in reader.texts(".split .fine")
    assert reader.script(FRAME) == pytest.approx(frame, abs=1)
    assert reader.script(FAINT) == faint
    assert [card[0] for card in reader.cards()] == prompts
    reader.see(reader.one(".chart"))
    beside = tuple(reader.script(BESIDE))
    drag(reader, beside, beside)
    reader.until(lambda: len(reader.cards()) == opened.PICTURES)
    framed(reader, *corners(reader))
    reader.go("pair", "tiny", "TA-C_TA-S", synergy=0.62)
    assert len(reader.cards()) == opened.PICTURES
    assert any(text.startswith("Drag over the points") for text in reader.texts(".split .fine"))


@pytest.mark.parametrize("by", ["address", "click", "key"])
def test_no_ring_stands_around_the_page_and_one_around_what_the_keyboard_is_at(by: str, reader: Reader) -> None:
    reader.load("overview")
    link = reader.one("nav a[href^='#/judge']")
    ways = {"address": lambda: reader.go("judge"), "click": lambda: reader.press(link), "key": lambda: link.send_keys(Keys.ENTER)}
    reader.waiting(ways[by])
    assert reader.script("return [document.activeElement.id, getComputedStyle(document.activeElement).outlineStyle]") == ["view", "none"]
    ActionChains(reader.browser).send_keys(Keys.TAB).perform()
    where, ring = reader.script("return [document.activeElement.id, getComputedStyle(document.activeElement).outlineStyle]")
    assert (where == "view", ring) == (False, "solid")


def test_what_is_open_sorted_and_in_focus_stays_while_a_limit_moves(reader: Reader) -> None:
    reader.screen(700)
    reader.load("overview")
    reader.draw()
    reader.script("document.querySelectorAll('.map summary')[1].click()")
    reader.script("document.querySelector('[aria-label=\"Leaderboard t2i\"] th:last-child button').click()")
    across = reader.script("const table = document.querySelector('.scroll'); table.scrollLeft = 60; return table.scrollLeft")
    assert across > 0, "a table that is wider than the screen"
    link = reader.all("[aria-label='Relations t2i'] td a")[40]
    reader.see(link)
    reader.script("arguments[0].focus({ preventScroll: true })", link)
    before = reader.script(STATE)
    assert [before["across"], before["open"].count(True)] == [across, 1]
    for value in (0.62, 0.9):
        reader.set("synergy", value)
        assert reader.script(STATE) == before
    reader.draw()
    reader.go("model", synergy=0.9)
    reader.go("overview", synergy=0.9)
    after = reader.script(STATE)
    assert [after["focus"], after["across"], after["open"].count(True), after["sorted"]] == ["", 0, 0, []]


# The gallery


def kept(ran: Run, model: str, pair: str) -> list[dict[str, Any]]:
    """Pictured samples of a pair in slot order, by Python."""
    points = located(ran.scores, THRESHOLDS).filter(model=model, pair=pair)
    texts = ran.prompts.select("data_id", "prompt")
    names = pl.DataFrame({"data_id": opened.shown(ran, model, pair)})
    return names.join(points.join(texts, on="data_id"), on="data_id", maintain_order="left").to_dicts()


def words(sample: dict[str, Any]) -> list[str]:
    sides = ["missing" if sample[side] is None else f"{sample[side]:.2f}" for side in "xy"]
    return [sample["prompt"], *sides, f"{sample['model']} · {sample['region'] or 'score missing'}"]


@pytest.mark.parametrize("pair", [PAIR, "TA-R_D-K"])
def test_the_gallery_sorts_and_filters_as_python_does(reader: Reader, ran: Run, pair: str) -> None:
    reader.go("pictures", "tiny-turbo", pair)
    samples = kept(ran, "tiny-turbo", pair)
    assert reader.cards() == list(map(words, samples))
    whole = [one for one in samples if one["region"]]
    keys = {"low": lambda one: min(one["x"], one["y"]), "high": lambda one: -max(one["x"], one["y"]), "x": lambda one: one["x"]} | {
        "apart": lambda one: -abs(one["x"] - one["y"]),
        "y": lambda one: one["y"],
    }
    for name, key in keys.items():
        reader.choose("gallery-sort", name)
        want = sorted(whole, key=key) + [one for one in samples if not one["region"]]
        reader.until_cards(list(map(words, want)))
    for region in ("R_S", "R_B", "R_T", "null"):
        reader.choose("gallery-region", region)
        own = [one for one in want if (one["region"] or "null") == region]
        reader.until_cards(list(map(words, own)))
        count = reader.one(".gallery-count").text
        assert count == (f"{len(own)} of {len(own)} pictures" if own else "No picture fits this choice.")


def test_a_limit_that_moves_moves_the_regions_of_the_pictures(reader: Reader, ran: Run) -> None:
    reader.go("pictures", "tiny", PAIR, synergy=0.65, bottleneck=0.6)
    points = {
        row["data_id"]: row["region"]
        for row in located(ran.scores, at({"synergy": 0.65, "bottleneck": 0.6})).filter(model="tiny").to_dicts()
    }
    want = [f"tiny · {points[one['data_id']] or 'score missing'}" for one in kept(ran, "tiny", PAIR)]
    assert [card[-1] for card in reader.cards()] == want != [words(one)[-1] for one in kept(ran, "tiny", PAIR)]


def test_more_pictures_come_on_demand(reader: Reader, ran: Run) -> None:
    reader.go("pictures", "all", "all")
    assert len(reader.cards()) == 24
    assert reader.one(".gallery-count").text == f"24 of {sum(len(sheet.names) for sheet in ran.sheets)} pictures"
    reader.script("document.querySelector('.more').click()")
    reader.until(lambda: len(reader.cards()) == 48)
    reader.choose("gallery-region", "null")
    reader.until(lambda: {card[-1].split(" · ")[1] for card in reader.cards()} == {"score missing"})
    reader.waiting(lambda: reader.choose("pictures-pair", PAIR))
    assert reader.hash == f"#/pictures/all/{PAIR}"
    reader.until(lambda: len(reader.cards()) == 24)
    reader.script("document.querySelector('.more').click()")
    reader.until(lambda: len(reader.cards()) == 36)
    assert not reader.one(".more").is_displayed()


def assert_coloured(reader: Reader, selector: str, want: list[tuple[int, int, int]]) -> None:
    """Each thumbnail shows its own picture only: sampled in the middle and near each corner."""
    for thumb in reader.all(selector):
        reader.see(thumb)
    reader.until(lambda: all(reader.script(RECTS, selector)))
    for thumb, shade in zip(reader.all(selector), want, strict=True):
        reader.see(thumb)
        assert opened.alike(thumb.screenshot_as_png, shade)


def test_a_thumbnail_is_the_picture_of_its_sample(reader: Reader, ran: Run) -> None:
    reader.go("pictures", "tiny-turbo", PAIR)
    own = kept(ran, "tiny-turbo", PAIR)
    assert_coloured(reader, ".card .thumb", [opened.colour("tiny-turbo", one["data_id"]) for one in own])


def test_a_picture_is_enlarged_and_escape_closes_it(reader: Reader, ran: Run) -> None:
    reader.go("pair", "tiny", PAIR)
    own = kept(ran, "tiny", PAIR)[5]
    button = reader.all(".card .picture")[5]
    reader.see(button)
    reader.press(button)
    dialog = reader.one("dialog[open]")
    assert all(text in dialog.text for text in (own["prompt"], own["data_id"], "IQ-R Realism × TA-S Style", f"{own['x']:.2f}"))
    assert_coloured(reader, "dialog .thumb", [opened.colour("tiny", own["data_id"])])
    ActionChains(reader.browser).send_keys(Keys.ESCAPE).perform()
    reader.until(lambda: not reader.all("dialog"))
    assert reader.browser.switch_to.active_element == button


# Evidence of a verdict


@pytest.mark.parametrize("limits", [{}, {"synergy": 0.7}, {"correlation": "pearson"}], ids=str)
def test_the_pair_page_holds_every_interval(reader: Reader, ran: Run, limits: dict[str, object]) -> None:
    found = relations(ran.scores, at(limits))
    for pair in ("IQ-R_IQ-O", PAIR):
        reader.go("pair", "tiny", pair, **limits)
        row = by_pair(found, "tiny")[pair]
        told = reader.table(f"Intervals of tiny {pair}")
        names = ("rho", "density_synergy", "density_bottleneck", "mean_x", "mean_y")
        assert [float(str(one[1][1])) for one in told[:5]] == pytest.approx([row[name] for name in names], abs=1e-12)
        assert [float(str(one[1][1])) for one in told[5:]] == pytest.approx(
            [row[f"{name}_x"] - row[f"{name}_y"] for name in ("mean", "median")]
        )
        gone = {"rho"} if "correlation" in limits else set()
        for name, one in zip((*names, "mean_gap", "median_gap"), told, strict=True):
            if name in gone:
                assert one[2][0] == "–"
            else:
                low, high = row[f"{name}_low"], row[f"{name}_high"]
                ends = [f"{100 * low:.0f}", f"{100 * high:.0f} %"] if name.startswith("density") else None
                assert ends is None or one[2][0].split(" to ") == ends


def test_a_tilts_test_is_told_in_words(reader: Reader, ran: Run) -> None:
    tilts = ran.relations.filter(pl.col("relation") == "tilt", pl.col("evidence").is_not_null())
    row = tilts.row(0, named=True)
    reader.go("pair", row["model"], row["pair"])
    words = " ".join(reader.texts("#reasons li"))
    q = "< 0.001" if row["tilt_q"] < 0.001 else f"{row['tilt_q']:.3f}"
    assert f"That the sides differ by chance, or as those of independent scores do: q = {q} over all pairs" in words
    assert "Fewer than 30 prompts: too few to be supported." in words  # 24 here


def test_few_prompts_are_a_warning(reader: Reader) -> None:
    reader.go("overview")
    assert reader.one("p.note").text == "All 126 relations rest on fewer than 30 prompts, too few to be supported."
    reader.go("model", "tiny", enough_points=20)
    assert reader.texts("p.note") == []


def test_a_link_that_only_this_machine_can_open_is_not_copied(reader: Reader) -> None:
    reader.go("pair", "tiny", PAIR, synergy=0.7)
    reader.script("navigator.clipboard.writeText = async (text) => { window.copied = text; }; document.querySelector('#panel').open = true")
    reader.press(reader.one(".buttons button:last-child"))
    reader.until(lambda: reader.script("return window.copied"))
    assert reader.script("return window.copied") == f"#/pair/tiny/{PAIR}?synergy=0.7"
    assert reader.one(".buttons button:last-child").text == "Copied: put it behind the address of the report"


# Two models


def test_two_models_face_each_other_on_the_same_prompts(reader: Reader, ran: Run) -> None:
    reader.go("compare", "tiny", "tiny-dtm")
    assert Select(reader.one("#compare-pair")).first_selected_option.get_attribute("value") == PAIR
    before, after = ({one["data_id"]: one for one in kept(ran, model, PAIR)} for model in ("tiny", "tiny-dtm"))
    assert 0 < len(before.keys() & after.keys()) < len(before)
    both = [(before[name], after[name]) for name in before if name in after and before[name]["region"] and after[name]["region"]]
    ordered = sorted(both, key=lambda pair: pair[1]["x"] + pair[1]["y"] - pair[0]["x"] - pair[0]["y"])
    assert reader.texts(".couple .prompt")[: len(both)] == [a["prompt"] for a, _ in ordered]
    assert reader.texts(".couple:first-child figcaption") == ["tiny", "tiny-dtm"]
    shades = [opened.colour(one["model"], one["data_id"]) for couple in ordered[:3] for one in couple]
    assert_coloured(reader, ".couple:nth-child(-n+3) .thumb", shades)
    reader.choose("compare-sort", "rise")
    assert reader.texts(".couple .prompt")[: len(both)] == [a["prompt"] for a, _ in reversed(ordered)]


def test_the_other_way_round_signs_are_mirrored(reader: Reader, ran: Run) -> None:
    tables = {}
    for a, b in (("tiny", "tiny-dtm"), ("tiny-dtm", "tiny")):
        reader.go("compare", a, b)
        tables[a] = reader.table(f"Change from {a} to {b}"), reader.table(f"Pairs of {a} and {b} t2i")
        assert reader.one(".note b").text == PAIR
    (there, pairs), (back, turned) = tables["tiny"], tables["tiny-dtm"]
    assert [row[0][0] for row in there][:2] == [f"★ IQ-R in {PAIR}", f"★ TA-S in {PAIR}"]
    for one, other in zip([*there], [*back], strict=True):
        assert [one[place] for place in (0, 1, 2, 5)] == [other[place] for place in (0, 2, 1, 5)]
        assert float(str(one[3][1])) == -float(str(other[3][1]))
    for one, other in zip(pairs, turned, strict=True):
        assert [one[place] for place in (0, 1, 2, 3, 8)] == [other[place] for place in (0, 2, 1, 3, 8)]
        assert [float(str(one[place][1])) for place in (4, 6)] == [-float(str(other[place][1])) for place in (4, 6)]
    _, moves, _ = numbers.moves(ran.points, ran.scores.select("task", "data_id", "root").unique(), ran.models)["t2i"]
    assert (moves["a"], moves["b"]) == ("tiny", "tiny-dtm")
    assert [(row[0][1], *(float(str(row[place][1])) for place in (8, 4, 6))) for row in pairs] == list(
        zip(moves["pair"], moves["n"], moves["x"], moves["y"], strict=True)
    )
    before, after = by_pair(ran.relations, "tiny"), by_pair(ran.relations, "tiny-dtm")
    assert {str(row[0][1]): (row[1][1], row[2][1]) for row in pairs} == {
        pair: (towards(before[pair]), towards(after[pair])) for pair in before
    }


def test_a_model_is_not_compared_with_itself(reader: Reader) -> None:
    reader.go("compare", "tiny", "tiny-dtm")
    reader.waiting(lambda: reader.choose("compare-b", "tiny"))
    assert reader.one("main > p").text == "Choose two different models."
