"""The quality report: its figures are those of the tables, nothing in it is markup but our own, and it is one page for any screen."""

from collections import Counter
from collections.abc import Iterator
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import annotated
import chromium
import polars as pl
import pytest
from lines import names
from selenium import webdriver

from trig.annotate.funnel import funnel
from trig.errors import TableError
from trig.report import agreement as agreements
from trig.report.agreement import Agreement
from trig.report.quality import page
from trig.report.quality_rows import ABOUT_CHECKS, EXAMPLES, LONGEST, checks, coverage, histogram, visible
from trig.tables.rejected import CHECKS
from trig.text.words import words

FIGURES = {
    "review": "0123",
    "prompts": 40,
    "verdicts": {"accept": 30, "reject": 7, "open": 3},
    "alpha": [
        {"question": "concerns", "level": "nominal", "alpha": 0.7123, "units": 80},
        {"question": "quality", "level": "ordinal", "alpha": None, "units": 40},
    ],
    "raters": [
        {"rater": "<b>ann</b>", "answered": 50, "kept": True, "gold": {"share": 0.9, "agree": 9, "of": 10}}
        | {"repeats": {"share": None, "agree": 0, "of": 0}, "consensus": {"share": 0.8, "agree": 32, "of": 40}}
    ],
}
TABLES = (annotated.prompts(), annotated.rejected(), annotated.counted(), annotated.sources())
HTML = page(*TABLES, [Agreement.model_validate(FIGURES)])


class Elements(HTMLParser):
    """The elements and attributes of a page, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.names: Counter[str] = Counter()
        self.attributes: set[str] = set()
        self.links: set[str] = set()
        self.text: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names[tag] += 1
        self.attributes |= {name for name, _ in attrs}
        self.links |= {str(value) for name, value in attrs if name in ("src", "href", "srcset", "action")}

    def handle_data(self, data: str) -> None:
        self.text.append(data)


def test_texts_are_never_markup() -> None:
    found = Elements(HTML)
    assert not found.names.keys() & {"script", "img", "iframe", "form", "input", "object"}
    assert not [name for name in found.attributes if name.startswith("on")]
    text = "".join(found.text)
    assert annotated.EVIL[0] in text and "{{ 7 * 7 }} & <b>bold</b>" in text and "49" not in text.split("{{ 7")[1][:10]
    assert "<b>ann</b>" in text and '"><script>alert(3)</script>' in text


def test_captions_and_phrases_are_told_with_licence_and_origin() -> None:
    text = " ".join("".join(Elements(HTML).text).split())
    assert 'captionsCC BY 4.0"><script>alert(4)</script>1,2345,678' in text and "turned ⟨U+202E⟩ around34" in text
    nothing = annotated.prompts().clear(), annotated.rejected().clear()
    assert "Captions and phrases" not in page(*nothing, funnel(*nothing, {}, {}, {}), None)


def test_nothing_is_loaded() -> None:
    assert "default-src 'none'" in unescape(HTML) and "script-src" not in HTML
    assert {link for link in Elements(HTML).links if link[0] != "#"} == {"data:,", "index.html"}
    assert "url(" not in HTML


def test_characters_that_turn_a_text_around_are_named() -> None:
    assert "\u202e" not in HTML and "⟨U+202E⟩etik" in HTML
    assert visible("a\x00b\n\u200bc") == "a⟨U+0000⟩b⟨U+000A⟩⟨U+200B⟩c"
    assert visible("\ud800") == "⟨U+D800⟩"
    assert visible("x" * 5_000) == "x" * LONGEST + "… (5,000 characters)" and "x" * 500 not in HTML


def test_the_page_is_the_same_each_time() -> None:
    turned = (annotated.prompts().reverse(), annotated.rejected().reverse(), annotated.counted(), annotated.sources().reverse())
    assert page(*turned, [Agreement.model_validate(FIGURES)]) == HTML


def test_every_check_is_told_with_examples_of_other_reasons() -> None:
    assert list(ABOUT_CHECKS) == list(CHECKS)
    rows = checks(annotated.rejected())
    assert [row.name for row in rows] == list(CHECKS)
    assert sum(row.count for row in rows) == annotated.rejected().height
    assert all(len(row.examples) == EXAMPLES for row in rows)
    many = annotated.rejected().with_columns(check=pl.lit("length"), reason=pl.format("reason {}", pl.col("slot") % 3))
    length, others = checks(many)[list(CHECKS).index("length")], [row for row in checks(many) if row.name != "length"]
    assert {one.reason for one in length.examples} == {"reason 0", "reason 1", "reason 2"}
    assert all((row.count, row.examples, row.share) == (0, [], 0) for row in others)


def test_totals_are_those_of_the_tables() -> None:
    text = " ".join("".join(Elements(HTML).text).split())
    drafted = annotated.prompts().filter(pl.col("route") != "copy").height + annotated.rejected().height
    assert f"{annotated.prompts().filter(split='test').height}test prompts in {len(annotated.SUBSETS)} subsets" in text
    assert f"{drafted}drafts, and 48 copies" in text
    refused = annotated.rejected().height
    assert f"{refused}drafts refused ({100 * refused / drafted:.0f} %)" in text and "9 exhausted" in text and "0.712" in text


def test_words_are_counted_once_each() -> None:
    found = histogram(annotated.prompts(), "t2i")
    lengths = [len(words(text)) for text in annotated.prompts().filter(task="t2i", split="test")["prompt"]]
    assert found is not None and (found.low, found.high, found.mean) == (min(lengths), max(lengths), sum(lengths) / len(lengths))
    assert max(found.heights) == 100 and len(found.heights) == found.high - found.low + 1
    assert histogram(annotated.prompts().clear(), "t2i") is None


@pytest.mark.parametrize("lengths", [[1], [3, 3], [1, 24], [1, 25], [1, 1_000], [7, 30, 54]])
def test_bins_cover_every_length(lengths: list[int]) -> None:
    frame = annotated.prompts().filter(task="t2i", split="test").head(len(lengths))
    found = histogram(frame.with_columns(prompt=pl.Series([" ".join(["w"] * n) for n in lengths])), "t2i")
    assert found is not None and len(found.heights) <= 24 and sum(height > 0 for height in found.heights) == len(set(lengths))


def test_coverage_is_the_range_over_subsets() -> None:
    rows = {(row.task, row.split, row.dimension): row for row in coverage(annotated.counted())}
    style = rows["t2i", "test", "TA-S Style"]
    assert (style.there, style.least, style.most, style.share) == (5, 4, 4, 0.25)
    assert not [row for row in rows.values() if row.dimension.startswith("IQ-R")]


def test_a_page_without_anything_is_a_page() -> None:
    nothing = annotated.prompts().clear(), annotated.rejected().clear()
    text = "".join(Elements(page(*nothing, funnel(*nothing, {}, {}, {}), None)).text)
    assert "No people have reviewed these prompts." in text and "Source pictures" not in text
    none_yet = funnel(*nothing, annotated.wanted(), annotated.CAPTIONS, annotated.PHRASES)
    assert "0 exhausted" in page(*nothing, none_yet, annotated.sources().clear())


def test_figures_of_a_review_are_read(tmp_path: Path) -> None:
    path = tmp_path / "review.json"
    path.write_text(Agreement.model_validate(FIGURES).model_dump_json(), "utf-8")
    assert agreements.read(path) == Agreement.model_validate(FIGURES)
    for text, says in (("{}", "prompts"), ("", "JSON"), ('{"prompts": "many"}', "prompts")):
        path.write_text(text, "utf-8")
        with pytest.raises(TableError, match=says) as raised:
            agreements.read(path)
        assert "\n" not in str(raised.value) and "review.json" in str(raised.value)
    with pytest.raises(TableError, match=names(tmp_path / "none.json", "No such file", "`trig review import`")):
        agreements.read(tmp_path / "none.json")


@pytest.mark.parametrize("verdicts", ["review.csv", "REVIEW.CSV", "review.v2", "folder.csv"])
def test_figures_lie_beside_verdicts(verdicts: str, tmp_path: Path) -> None:
    place = tmp_path / verdicts
    if verdicts.lower() == "review.csv":
        place.write_text("key\n", "utf-8")
        figures = place.with_suffix(".json")
    else:
        place.mkdir()
        figures = place / "a.json"
    assert agreements.files(place) == []
    figures.write_text("{}", "utf-8")
    assert agreements.files(place) == [figures]


@pytest.fixture(scope="module")
def shown(browser: webdriver.Chrome, tmp_path_factory: pytest.TempPathFactory) -> Iterator[webdriver.Chrome]:
    """The page in a browser, everything unfolded."""
    path = tmp_path_factory.mktemp("quality") / "annotation.html"
    path.write_text(HTML, "utf-8")
    browser.get(path.as_uri())
    browser.execute_script("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    yield browser
    assert browser.get_log("browser") == []


WIDTHS = """
return [...document.querySelectorAll('#funnel h3 + .scroll')].map((one) => [...one.querySelectorAll('.bar')].map(
  (bar) => [...bar.children].map((part) => part.getBoundingClientRect().width / bar.getBoundingClientRect().width)));
"""


@chromium.needed
@pytest.mark.parametrize("width", [1280, 390, 320])
def test_nothing_sticks_out(shown: webdriver.Chrome, width: int) -> None:
    shown.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    )
    assert shown.execute_script("return document.documentElement.scrollWidth") <= width
    assert shown.execute_script(chromium.STICKS_OUT) == []
    assert shown.title == "Quality of the prompts – Dimension Trade-off Map"


@chromium.needed
def test_bars_are_as_long_as_their_counts(shown: webdriver.Chrome) -> None:
    bars = shown.execute_script(WIDTHS)[0]
    own = [one for one in annotated.counted().subsets if (one.task, one.split) == ("t2i", "test")]
    longest = max(one.drafted + one.copied for one in own)
    for bar, one in zip(bars, own, strict=True):
        want = [one.accepted - one.copied, one.copied, sum(one.rejected.values())]
        assert bar == pytest.approx([count / longest for count in want], abs=0.02)
