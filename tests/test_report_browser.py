"""The report in a real browser, laptop and phone width, light and dark: pages, tables, accessibility. Skipped without Chromium."""

from collections.abc import Mapping
from functools import partial
from io import BytesIO
from itertools import combinations, product
from pathlib import Path
from typing import Any

import chromium
import numpy as np
import opened
import pytest
from chromium import STICKS_OUT
from opened import Reader
from PIL import Image
from reporting import Run
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from trig.report import charts, numbers, theme
from trig.testing.factories import EVIL

pytestmark = chromium.needed
PAGES: dict[str, tuple[str, int]] = {
    "overview": ("What the models trade", 7),
    "model": ("tiny", 2),
    "pair": ("IQ-R Realism × TA-S Style", 1),
    "compare": ("Compare", 1),
    "front": ("Fronts", 1),
    "pictures": ("Pictures", 0),
    "contact": ("Contact sheets", 0),
    "judge": ("The judge", 2),
    "gates": ("Gates", 0),
    "methods": ("Methods", 0),
}
"""Of each page its title and how many charts are drawn on it."""
CUT = """
return [...document.querySelectorAll('.chart')].flatMap((chart) => {
  const box = chart.getBoundingClientRect();
  return [...chart.querySelectorAll('svg text')].filter((text) => {
    const own = text.getBoundingClientRect();
    return own.width && (own.left < box.left - 2 || own.right > box.right + 2);
  }).map((text) => text.textContent);
});
"""
FOCUSED = """
const one = document.activeElement;
return one.id || one.getAttribute('aria-label') || one.textContent.trim().slice(0, 40) || one.tagName;
"""
LABELS = "return [...document.querySelectorAll('.figure .small:first-child')].map((one) => one.ariaLabel.replace('Save as SVG: ', ''))"
FILLS = "return [...document.querySelectorAll('.chart svg text')].map((one) => getComputedStyle(one).fill)"
DRAWN = "return [...document.querySelectorAll('.chart')].every((one) => one.dataset.drawn)"
SEEN = [
    [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
    [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
]
"""Linear sRGB as seen with normal and dichromatic vision (Machado, Oliveira and Fernandes 2009, severity 1)."""
XYZ = np.array([[0.4339, 0.3762, 0.1899], [0.2126, 0.7152, 0.0722], [0.0178, 0.1095, 0.8727]])
"""Linear sRGB to XYZ, relative to the D65 white point."""
CONTROLS = {"link", "button", "combobox", "slider", "image", "graphics-document", "DisclosureTriangle", "dialog", "region", "navigation"}


def assert_shown(reader: Reader, name: str, width: int) -> None:
    """Page completeness: title, place in the navigation, charts, no overflow."""
    title, drawn = PAGES[name]
    assert reader.texts("h1") == [title]
    assert reader.browser.title == f"{title} – Dimension Trade-off Map"
    assert [link.split("#/")[1] for link in reader.links("[aria-current=page]")] == [name]
    assert len(reader.draw()) == drawn
    assert all(len(chart.find_elements(By.CSS_SELECTOR, "svg path")) > 3 for chart in reader.all(".chart"))
    assert reader.script("return document.documentElement.scrollWidth") <= width
    assert (reader.script(STICKS_OUT), reader.script(CUT)) == ([], [])


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (380, "dark")])
def test_every_page_is_whole(reader: Reader, width: int, scheme: str) -> None:
    reader.screen(width, scheme)
    reader.load("overview")
    for name in PAGES:
        reader.go(name)
        assert_shown(reader, name, width)
        assert ground(reader) == rgb((theme.DARK if scheme == "dark" else theme.LIGHT)["ground"])
        reader.quiet()


@pytest.mark.parametrize(("width", "system"), [(1280, "light"), (380, "dark")])
def test_colours_follow_the_system_and_the_pages_own_choice(reader: Reader, width: int, system: str) -> None:
    reader.screen(width, system)
    reader.load("compare")
    for chosen in ("dark", "light", ""):
        reader.choose("scheme", chosen)
        assert_shown(reader, "compare", width)
        colours = theme.DARK if (chosen or system) == "dark" else theme.LIGHT
        assert ground(reader) == rgb(colours["ground"])
        assert_charts_are(reader, colours)
    other = {"light": "dark", "dark": "light"}[system]
    reader.screen(width, other)
    assert ground(reader) == rgb((theme.DARK if other == "dark" else theme.LIGHT)["ground"])


def assert_charts_are(reader: Reader, colours: Mapping[str, str]) -> None:
    """Text colours in charts are those of the scheme, none of the other's."""
    fills = {tuple(parts(text)) for text in reader.script(FILLS)}
    light, dark = ({tuple(rgb(one[name])) for name in ("ink", "muted")} for one in (theme.LIGHT, theme.DARK))
    own, other = (light, dark) if colours is theme.LIGHT else (dark, light)
    assert fills & own and not fills & other


def ground(reader: Reader) -> list[int]:
    return parts(reader.script("return getComputedStyle(document.body).backgroundColor"))


def parts(colour: str) -> list[int]:
    """Parses `rgb(1, 2, 3)`."""
    return [int(part) for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]


def rgb(colour: str) -> list[int]:
    return [int(colour[place : place + 2], 16) for place in (1, 3, 5)]


# Tables


def test_the_leaderboard_is_exact_when_it_is_taken_along(reader: Reader, ran: Run, tmp_path: Path) -> None:
    reader.go("overview")
    button = reader.one("[aria-label='Save as CSV: Leaderboard t2i']")
    reader.see(button)
    text = reader.saved(tmp_path, "Leaderboard-t2i.csv", lambda: reader.press(button))
    levels = {row["model"]: row for row in numbers.levels(ran.scores, ran.score).to_dicts()}
    means = {(row["model"], row["dimension"]): row["mean"] for row in numbers.means(ran.scores, ran.score).to_dicts()}
    for row in opened.rows(text):
        level = levels[row["Model"]]
        assert (float(row["Mean"]), float(row["± (95 %)"])) == (level["mean"], level["high"] - level["mean"])
        assert (int(row["Scores"]), int(row["Missing"])) == (level["n"], level["nulls"])
        assert all(float(row[code]) == means[row["Model"], code] for code in {code for _, code in means})
    assert [row["Model"] for row in opened.rows(text)] == list(ran.models)


def test_the_table_of_pairs_is_exact_when_it_is_taken_along(reader: Reader, ran: Run, tmp_path: Path) -> None:
    reader.go("model", "tiny-dtm")
    button = reader.one("[aria-label='Save as CSV: Pairs of tiny-dtm t2i']")
    reader.see(button)
    text = reader.saved(tmp_path, "Pairs-of-tiny-dtm-t2i.csv", lambda: reader.press(button))
    want = opened.by_pair(ran.relations, "tiny-dtm")
    found = {row["Pair"]: row for row in opened.rows(text)}
    assert found.keys() == want.keys()
    for pair, row in found.items():
        own = want[pair]
        assert (row["Relation"], row["Evidence"], int(row["n"])) == (opened.towards(own), own["evidence"], own["n"])
        columns = {"Stability": "stability", "Spearman's rho": "rho", "D_s": "density_synergy", "Mean of second": "mean_y"}
        assert {name: float(row[head]) for head, name in columns.items()} == {name: own[name] for name in columns.values()}


def test_a_table_is_sorted_with_the_keyboard_alone(reader: Reader, ran: Run) -> None:
    reader.load("overview")
    for _ in range(40):
        ActionChains(reader.browser).send_keys(Keys.TAB).perform()
        if reader.script(FOCUSED) == "Mean":
            break
    ordered = numbers.levels(ran.scores, ran.score).sort("mean")["model"].to_list()
    for key, want in ((Keys.ENTER, ordered), (Keys.SPACE, ordered[::-1])):
        ActionChains(reader.browser).send_keys(key).perform()
        assert [row[0][1] for row in reader.table("Leaderboard t2i")] == want
    assert reader.script("return document.activeElement.parentElement.ariaSort") == "descending"


def test_a_cell_of_the_map_opens_its_pair(reader: Reader) -> None:
    reader.go("model", "tiny-turbo")
    reader.draw()
    cell = "document.querySelector('.chart path[aria-label*=IQ-A_R-B]')"
    reader.waiting(lambda: reader.script(f"{cell}.dispatchEvent(new MouseEvent('click', {{ bubbles: true }}))"))
    assert reader.hash == "#/pair/tiny-turbo/IQ-A_R-B"
    reader.waiting(lambda: reader.press(reader.all("form button")[-1]))
    assert reader.hash == "#/pair/tiny-turbo/TA-C_TA-R"
    reader.waiting(reader.browser.back)
    assert reader.one("h1").text == "IQ-A Aesthetics × R-B Bias"


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_chart_is_saved_as_a_picture(reader: Reader, tmp_path: Path, scheme: str) -> None:
    reader.screen(1280, scheme)
    reader.go("judge")
    reader.draw()
    muted = (theme.DARK if scheme == "dark" else theme.LIGHT)["muted"]
    button = reader.one("[aria-label='Save as SVG: Confidence of the judge']")
    reader.see(button)
    drawing = reader.saved(tmp_path, "Confidence-of-the-judge.svg", lambda: reader.press(button))
    assert "<svg" in drawing and muted in drawing and "var(" not in drawing
    button = reader.one("[aria-label='Save as PNG: Confidence of the judge']")
    packed = reader.saved_bytes(tmp_path, "Confidence-of-the-judge.png", lambda: reader.press(button))
    with Image.open(BytesIO(packed)) as picture:
        shown = {colour for _, colour in picture.convert("RGBA").getcolors(1 << 24) or []}
        assert picture.width > 1000
    assert (*rgb(muted), 255) in shown


# Untrusted text


def test_hostile_texts_are_shown_as_texts(reader: Reader) -> None:
    for path in (("pair", "tiny", "IQ-R_IQ-O"), ("compare", "tiny", "tiny-dtm", "IQ-R_IQ-O"), ("pictures", "tiny", "IQ-R_IQ-O")):
        reader.go(*path)
        assert any(EVIL in text for text in reader.texts(".prompt")), path
    assert reader.one(f".thumb[aria-label='{quoted(f'tiny: {EVIL}')}']")
    reader.go("judge")
    assert {row[1][0] for row in reader.table("Missing scores")} == {EVIL}
    reader.go("gates")
    assert [EVIL in row[1][0] and "too dark" in row[1][0] and "cut prompts" in row[1][0] for row in reader.table("Gates")] == [
        False,
        False,
        True,
    ]
    assert "<b>3 rows</b> fail" in reader.one("table").text
    assert reader.all("main script, main b b, dialog script") == []
    assert reader.browser.title == "Gates – Dimension Trade-off Map"


def quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace("'", "\\'")


def test_a_hostile_name_is_text_in_what_hovers_over_a_point(reader: Reader) -> None:
    reader.go("pair", "tiny", "IQ-R_IQ-O")
    (chart,) = reader.draw()
    places: list[Any] = reader.script(
        "return [...arguments[0].querySelectorAll('path')].filter((one) => one.ariaLabel?.includes(arguments[1]))", chart, opened.ID
    )
    ActionChains(reader.browser).move_to_element(places[0]).perform()
    tip = reader.until(lambda: next((one for one in reader.all("#vg-tooltip-element") if opened.ID in one.text), None))
    assert tip.find_elements(By.TAG_NAME, "script") == []
    assert "owned" not in reader.browser.title


# Accessibility and print


def test_every_control_has_a_name(reader: Reader) -> None:
    reader.load("nowhere")
    reader.press(reader.one("#panel summary"))
    reader.browser.execute_cdp_cmd("Accessibility.enable", {})
    for name in PAGES:
        reader.go(name)
        reader.draw()
        said = reader.until(lambda: (found := heard(reader)) and "slider" in dict(found) and found)
        named = [(role, text) for role, text in said if role in CONTROLS]
        assert len([role for role, _ in named if role in {"link", "slider", "combobox"}]) >= 22
        assert [role for role, text in named if not text.strip()] == []
        sliders = [text for role, text in named if role == "slider"]
        assert len(set(sliders)) == 10 and "Fewest prompts for a verdict" in map(str.strip, sliders)
        assert sorted(text for role, text in said if role == "graphics-document") == sorted(reader.script(LABELS))


def heard(reader: Reader) -> list[tuple[str, str]]:
    """Role and accessible name of every node in the accessibility tree."""
    nodes = reader.browser.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    return [(node["role"]["value"], node.get("name", {}).get("value", "")) for node in nodes if not node["ignored"]]


def test_the_keyboard_goes_through_the_page_in_order(reader: Reader) -> None:
    reader.load("pair")
    seen = []
    for _ in range(39):
        ActionChains(reader.browser).send_keys(Keys.TAB).perform()
        seen.append(reader.script(FOCUSED))
        if seen[-1].startswith("Thresholds"):
            ActionChains(reader.browser).send_keys(Keys.ENTER).perform()
    assert seen[:3] == ["Skip to the page", "What it does not say", "scheme"]
    assert seen[3:13] == [*"Overview Model Pair Compare Fronts Pictures".split(), "Contact sheets", *"Judge Gates Methods".split()]
    assert seen[13].startswith("Thresholds")
    limits = [name for name in seen if name.startswith("limit-")]
    assert limits[:3] == ["limit-rule", "limit-correlation", "limit-synergy"] and len(limits) == 12
    assert seen[26:32] == ["Copy a link with these", "pair-model", "pair-pair", "Previous", "Next", "frame"]


def test_the_first_link_skips_to_the_page(reader: Reader) -> None:
    reader.load("gates")
    ActionChains(reader.browser).send_keys(Keys.TAB, Keys.ENTER).perform()
    reader.until(lambda: reader.script(FOCUSED) == "view")
    assert reader.one("h1").text == "Gates"


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_text_can_be_read(colours: dict[str, str]) -> None:
    grounds = [colours[name] for name in ("ground", "surface")]
    for text, below in [*product((colours["ink"], colours["muted"], colours["accent"]), grounds), (colours["ink"], colours["faint"])]:
        assert contrast(text, below) >= 4.5, (text, below)
    signs = {"supported": colours["sign"], "weak": colours["sign"], "unsupported": colours["ink"]}
    for (evidence, share), relation, below in product(charts.WEIGHTS.items(), theme.COLOURED, grounds):
        assert contrast(signs[evidence], mixed(colours[relation], below, share)) >= 4.5, (relation, evidence)


@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_relations_stand_out(colours: dict[str, str]) -> None:
    assert all(theme.RELATIONS[relation] == f"${relation}" for relation in theme.COLOURED)
    for relation, below, evidence in product(theme.COLOURED, ("ground", "surface"), ("supported", "weak")):
        shown = mixed(colours[relation], colours[below], charts.WEIGHTS[evidence])
        assert contrast(shown, colours[below]) >= 3, (relation, below, evidence)


@pytest.mark.parametrize("seen", SEEN, ids=["all", "protan", "deutan", "tritan"])
@pytest.mark.parametrize("colours", [theme.LIGHT, theme.DARK], ids=["light", "dark"])
def test_relations_are_apart_for_the_colour_blind(colours: dict[str, str], seen: list[list[float]]) -> None:
    for one, other in combinations(theme.COLOURED, 2):
        apart = lab(np.array(seen) @ linear(colours[one])) - lab(np.array(seen) @ linear(colours[other]))
        assert np.linalg.norm(apart) >= 14, (one, other)


def lab(light: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear sRGB."""
    amounts = XYZ @ np.clip(light, 0, 1)
    x, y, z = np.where(amounts > 216 / 24389, np.cbrt(amounts), (24389 / 27 * amounts + 16) / 116)
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def contrast(one: str, other: str) -> float:
    """WCAG 2 contrast ratio, 1 to 21."""
    dark, light = sorted(map(luminance, (one, other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    return float(np.dot([0.2126, 0.7152, 0.0722], linear(colour)))


def linear(colour: str) -> np.ndarray:
    """Linear sRGB of an sRGB colour."""
    values = np.array(rgb(colour)) / 255
    found: np.ndarray = np.where(values <= 0.04045, values / 12.92, ((values + 0.055) / 1.055) ** 2.4)
    return found


def mixed(colour: str, ground: str, share: float) -> str:
    parts = [round(share * a + (1 - share) * b) for a, b in zip(rgb(colour), rgb(ground), strict=True)]
    return "#" + "".join(f"{part:02x}" for part in parts)


@pytest.mark.parametrize(("system", "chosen"), [("dark", ""), ("light", "dark")])
def test_printing_cuts_nothing_off_and_is_light(reader: Reader, system: str, chosen: str) -> None:
    reader.screen(1280, system)
    for name in ("overview", "model", "compare", "judge"):
        reader.load(name)
        reader.choose("scheme", chosen)
        reader.script("dispatchEvent(new Event('beforeprint'))")
        reader.until(partial(reader.script, DRAWN))
        reader.screen(718, system, "print")  # A4 with 10 mm margins
        assert_charts_are(reader, theme.LIGHT)
        assert [one.is_displayed() for one in reader.all("nav, #panel, .controls, .tools, .scheme")].count(True) == 0
        assert ground(reader) == [255, 255, 255]
        tables = reader.all("section > .tabular table")
        assert tables
        assert not any(chart.rect["width"] > 718 for chart in reader.all(".chart svg"))
        assert all(table.is_displayed() and table.rect["x"] + table.rect["width"] <= 718 for table in tables), name
        assert reader.script("return document.documentElement.scrollWidth") <= 718
        reader.screen(1280, system)
