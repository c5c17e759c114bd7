"""The report by keyboard alone: every cell of a map, the frame over the samples, and the pictures. Skipped without Chromium."""

from collections.abc import Callable
from functools import partial

import chromium
import pytest
from opened import Reader
from reporting import Run
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.keys import Keys

from trig.vocabulary.about import ABOUT
from trig.vocabulary.dimensions import Dimension, Pair

pytestmark = chromium.needed
PAIR = "TA-C_TA-S"
HEARD = """
const one = document.activeElement;
return { role: one.getAttribute('role'), label: one.ariaLabel, id: one.id, outline: getComputedStyle(one).outlineStyle };
"""
PLACES = """
const [cell, drawn] = [document.activeElement, [...document.querySelectorAll('#view .chart path[aria-label]')]
  .find((one) => one.getAttribute('aria-label').includes(`pair: ${arguments[0]};`))].map((one) => one.getBoundingClientRect());
return [[cell.left + cell.width / 2, cell.top + cell.height / 2], [drawn.left, drawn.top, drawn.right, drawn.bottom]];
"""
STOPS = "return [...document.querySelectorAll('[role=grid]')].map((one) => one.querySelectorAll('[tabindex=\"0\"]').length)"
NAMES = [ABOUT[dimension].name for dimension in Dimension]


def press(reader: Reader, *keys: str) -> None:
    """Presses keys one after the other, the first of two or more held where it is a modifier."""
    actions = ActionChains(reader.browser)
    held = keys[0] if keys[0] in (Keys.SHIFT, Keys.CONTROL) else None
    if held:
        actions = actions.key_down(held)
    actions = actions.send_keys(*keys[1 if held else 0 :])
    (actions.key_up(held) if held else actions).perform()


def tab_to(reader: Reader, found: Callable[[dict[str, str]], bool]) -> dict[str, str]:
    """Presses Tab until the focused element is the wanted one."""
    for _ in range(90):
        press(reader, Keys.TAB)
        if found(heard := reader.script(HEARD)):
            return dict(heard)
    raise AssertionError("Tab does not get there")


def in_grid(reader: Reader) -> str:
    """Tabs into the first map of the page: the label of the cell there."""
    heard = tab_to(reader, lambda one: one["role"] == "gridcell")
    assert heard["outline"] == "solid"
    return heard["label"]


def test_arrows_reach_every_cell_of_a_map(reader: Reader, ran: Run) -> None:
    reader.load("model", "tiny")
    labels = [in_grid(reader)]
    press(reader, Keys.CONTROL, Keys.HOME)
    for row in range(10):
        for place in range(10):
            labels.append(reader.script(HEARD)["label"])
            press(reader, (Keys.ARROW_LEFT if row % 2 else Keys.ARROW_RIGHT) if place < 9 else Keys.ARROW_DOWN)
    assert len(set(labels[1:])) == 100 and labels[0] in labels[1:]
    assert sum("mean score" in label for label in labels[1:]) == 10
    for found in ran.relations.filter(model="tiny").iter_rows(named=True):
        pair = Pair.parse(found["pair"])
        (told,) = [label for label in labels[1:] if label.startswith(f"{ABOUT[pair.x].name} × {ABOUT[pair.y].name}: ")]
        assert found["relation"] in told and found["evidence"] in told
    press(reader, Keys.HOME, Keys.END)
    assert reader.script(HEARD)["label"].startswith("Bias: ")


def test_a_cell_lies_where_it_is_drawn_opens_its_pair_and_escape_comes_back(reader: Reader) -> None:
    reader.load("model", "tiny")
    in_grid(reader)
    press(reader, *[Keys.ARROW_DOWN] * 3, *[Keys.ARROW_RIGHT] * 4)
    reader.draw()
    (x, y), (left, top, right, bottom) = reader.script(PLACES, PAIR)
    assert left < x < right and top < y < bottom
    label = reader.script(HEARD)["label"]
    assert label.startswith("Content × Style: ")
    reader.waiting(lambda: press(reader, Keys.ENTER))
    assert reader.hash == f"#/pair/tiny/{PAIR}"
    reader.waiting(lambda: press(reader, Keys.ESCAPE))
    assert (reader.hash, reader.script(HEARD)["label"]) == ("#/model/tiny", label)


def test_each_map_is_one_stop(reader: Reader) -> None:
    reader.load("overview")
    stops = reader.script(STOPS)
    assert stops == [1] * len(stops) and len(stops) == 6  # over all, of three models, and two published


def test_the_frame_is_set_moved_sized_and_removed(reader: Reader) -> None:
    reader.load("pair", "tiny", PAIR)
    tab_to(reader, lambda one: one["id"] == "frame")
    reader.draw()

    def shows(words: str) -> bool:
        return words in reader.texts(".split .fine")[0]

    steps = [
        ([Keys.ARROW_RIGHT], "(Content 0.25 to 0.75, Style 0.25 to 0.75)"),
        ([Keys.ARROW_RIGHT, Keys.ARROW_UP], "(Content 0.30 to 0.80, Style 0.30 to 0.80)"),
        ([Keys.SHIFT, Keys.ARROW_UP, Keys.ARROW_RIGHT], "(Content 0.30 to 0.85, Style 0.30 to 0.85)"),
        ([Keys.ARROW_DOWN] * 9, "(Content 0.30 to 0.85, Style 0.00 to 0.55)"),
    ]
    for keys, ends in steps:
        press(reader, *keys)
        reader.until(partial(shows, ends))
    reader.until(lambda: all(0.3 <= float(x) <= 0.85 and float(y) <= 0.55 for _, x, y, _ in reader.cards()))
    press(reader, Keys.ESCAPE)
    reader.until(lambda: shows("All samples.") and len(reader.cards()) == 12)
    assert reader.hash == f"#/pair/tiny/{PAIR}"


def test_a_picture_is_opened_and_closed(reader: Reader) -> None:
    reader.load("pair", "tiny", PAIR)
    heard = tab_to(reader, lambda one: (one["label"] or "").startswith("Enlarge: "))
    press(reader, Keys.ENTER)
    assert reader.one("dialog[open]")
    press(reader, Keys.ESCAPE)
    reader.until(lambda: not reader.all("dialog"))
    assert reader.script(HEARD) == heard


@pytest.mark.parametrize("name", ["overview", "pair", "front", "contact"])
def test_every_control_takes_the_focus(reader: Reader, name: str) -> None:
    reader.load(name)
    reached = reader.script("""return [...document.querySelectorAll('#view a, #view button, #view select, #view summary, #view input')]
      .filter((one) => one.checkVisibility() && (one.tabIndex < 0 || one.disabled)).map((one) => one.outerHTML)""")
    assert reached == []
