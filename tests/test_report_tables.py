"""Export and sorting of the page's tables in a real browser. Skipped without Chromium."""

import csv
import io
import re
from html import escape
from pathlib import Path

import chromium
import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import WebDriverWait

from trig.testing.factories import EVIL

pytestmark = chromium.needed
Cell = str | tuple[str, str]
"""Cell text, optionally with its sort value."""
HOSTILE = [
    'a,b "c"',
    "=1+1",
    "+cmd|' /C calc'!A0",
    "-1+1",
    "@SUM(A1)",
    "＝1",
    EVIL,
    "\\input{x} 100% $a_b$ #1 {~^} <|>",
    "[2ex]",
    "*",
    "’é·× ★ IQ-A: −0.009 ≤ Σ",
]
NUMBERS: list[Cell] = ["1", "-2.50", "+3", ".5", "1e-7", "−0.25", ("0.33", "0.333333333333333314829616256247"), ("12 of 60", "0.2"), "–"]


def html(heads: list[str], rows: list[list[Cell]]) -> str:
    """A table; columns whose heading begins with ! are skipped in exports."""
    top = "".join(f"<th data-skip>{escape(head[1:])}</th>" if head[0] == "!" else f"<th>{escape(head)}</th>" for head in heads)
    body = "".join(f"<tr><th>{cell(row[0])[4:-5]}</th>{''.join(map(cell, row[1:]))}</tr>" for row in rows)
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def cell(said: Cell) -> str:
    text, value = said if isinstance(said, tuple) else (said, None)
    return f"<td>{escape(text)}</td>" if value is None else f'<td data-value="{escape(value)}">{escape(text)}</td>'


def show(browser: webdriver.Chrome, folder: Path, body: str) -> webdriver.Chrome:
    browser.get(chromium.script_page(folder, "tables.js", body))
    assert browser.get_log("browser") == []
    return browser


def exported(browser: webdriver.Chrome, kind: str) -> str:
    text: str = browser.execute_script(f"return tables.{kind}(document.querySelector('table'))")
    return text


def column(browser: webdriver.Chrome, place: int = 0) -> list[str]:
    return [row.find_elements(By.CSS_SELECTOR, "th, td")[place].text for row in browser.find_elements(By.CSS_SELECTOR, "tbody tr")]


def test_csv_is_read_back_as_it_was(browser: webdriver.Chrome, tmp_path: Path) -> None:
    rows: list[list[Cell]] = [[text, number] for text, number in zip(HOSTILE, [*NUMBERS, ("x", ""), ("y", "two\nlines")], strict=True)]
    text = exported(show(browser, tmp_path, html(["model, or so", "=score"], rows)), "csv")
    assert text.count("\r\n") == len(rows) + 1 and text.endswith("\r\n")
    head, *body = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert head == ["model, or so", "'=score"]
    run = re.compile("[=+@＝-]")
    assert [row[0] for row in body] == [f"'{said}" if run.match(said) else said for said in HOSTILE]
    exact = ["1", "-2.50", "+3", ".5", "1e-7", "-0.25", "0.333333333333333314829616256247", "0.2", "", "", "two\nlines"]
    assert [row[1] for row in body] == exact


def test_skipped_columns_and_blanks_of_the_source_are_left_out(browser: webdriver.Chrome, tmp_path: Path) -> None:
    body = html(["a", "!picture", "b"], [["1", "x", "2"]]).replace("<td>2", "<td>\n  2 <br><span>of\n 3</span> ")
    shown = show(browser, tmp_path, body)
    assert exported(shown, "csv") == "a,b\r\n1,2 of 3\r\n"
    assert exported(shown, "latex").splitlines()[2:5] == ["a & b \\\\", "\\midrule", "1 & 2 of 3 \\\\"]


def test_latex_typesets_what_is_shown(browser: webdriver.Chrome, tmp_path: Path) -> None:
    rows: list[list[Cell]] = [[text, "0.5", text] for text in HOSTILE]
    rows += [["n", number, number] for number in NUMBERS if number != ("12 of 60", "0.2")]
    text = exported(show(browser, tmp_path, html(["name", "score_trig", "mixed & more"], rows)), "latex")
    begin, *middle, end, last = text.split("\n")
    assert (begin, end, last) == ("\\begin{tabular}{lrl}", "\\end{tabular}", "")
    assert [middle[place] for place in (0, 1, 2, -1)] == [
        "\\toprule",
        "name & score\\_trig & mixed \\& more \\\\",
        "\\midrule",
        "\\bottomrule",
    ]
    body = middle[3:-1]
    assert [line.split(" & ")[1].removesuffix(" \\\\") for line in body[len(HOSTILE) :]] == [
        *("1", "$-$2.50", "+3", ".5", "1e-7", "$-$0.25", "0.33", "")
    ]
    for line, said in zip(body, HOSTILE, strict=False):
        assert read_back(line.split(" & ")[0]) == said


def read_back(text: str) -> str:
    """The text TeX would print; fails on active characters."""
    names = {"textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^", "textless": "<", "textgreater": ">", "textbar": "|"}
    signs = {"\\star": "★", "-": "−", "\\times": "×", "\\cdot": "·", "\\Sigma": "Σ", "\\le": "≤"}
    found, rest = "", text
    while rest:
        if math := re.match(r"\$([^$]+)\$", rest):
            found, rest = found + signs[math[1]], rest[math.end() :]
            continue
        match = re.match(r"\\(text\w+)\{\}|\\([&%$#_{}])|\{([\[*])\}|([^\\&%$#_{}~^<>|\[*])", rest)
        assert match, rest
        found += names[match[1]] if match[1] else match[2] or match[3] or match[4]
        rest = rest[match.end() :]
    return found


def test_the_alignment_says_which_columns_are_numbers(browser: webdriver.Chrome, tmp_path: Path) -> None:
    rows: list[list[Cell]] = [["a", "1", "1", "", ("Style", "0.5")], ["b", ("", ""), "two", "–", "–"]]
    assert "{lrllr}" in exported(show(browser, tmp_path, html(list("abcde"), rows)), "latex")
    assert "{ll}" in exported(show(browser, tmp_path, html(["a", "b"], [])), "latex")


def test_a_file_is_saved(browser: webdriver.Chrome, tmp_path: Path) -> None:
    policy = "default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    show(browser, tmp_path, f'<meta http-equiv="Content-Security-Policy" content="{policy}">')
    folder = tmp_path / "saved"
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(folder)})
    browser.execute_script("tables.save('relations.csv', arguments[0], 'text/csv')", "é,1\r\n")
    WebDriverWait(browser, 10).until(lambda _: list(folder.glob("relations.csv")) and (folder / "relations.csv").stat().st_size)
    assert (folder / "relations.csv").read_bytes() == "é,1\r\n".encode()
    assert browser.get_log("browser") == []


MIXED: list[list[Cell]] = [
    ["first", ("0.1", "0.10001"), "x"],
    ["second", "–", "x"],
    ["third", ("0.1", "0.1"), "x"],
    ["fourth", ("none", ""), "x"],
    ["fifth", "word", "x"],
    ["sixth", "−7", "x"],
    ["seventh", ("0.1", "0.1"), "x"],
    ["eighth", "10", "x"],
]


def sortable(browser: webdriver.Chrome, folder: Path) -> None:
    show(browser, folder, html(["name", "score", "!picture"], MIXED))
    browser.execute_script("window.again = tables.sortable(document.querySelector('table'))")


def heads(browser: webdriver.Chrome) -> list[str | None]:
    return [head.get_attribute("aria-sort") for head in browser.find_elements(By.CSS_SELECTOR, "thead th")]


def test_rows_are_sorted_by_what_they_stand_for(browser: webdriver.Chrome, tmp_path: Path) -> None:
    sortable(browser, tmp_path)
    name, score = browser.find_elements(By.CSS_SELECTOR, "thead button")
    assert heads(browser) == [None, None, None]
    score.click()
    assert column(browser) == "sixth third seventh first eighth fifth second fourth".split()
    assert heads(browser) == [None, "ascending", None]
    score.click()
    assert column(browser) == "fifth eighth first third seventh sixth second fourth".split()
    assert heads(browser) == [None, "descending", None]
    name.click()
    assert column(browser) == sorted(row[0] for row in MIXED)
    assert heads(browser) == ["ascending", None, None]


def test_numbers_in_words_are_numbers(browser: webdriver.Chrome, tmp_path: Path) -> None:
    show(browser, tmp_path, html(["id"], [["IQ-R_10"], ["IQ-R_9"], ["IQ-A_10"]]))
    browser.execute_script("tables.sortable(document.querySelector('table'))")
    browser.find_element(By.TAG_NAME, "button").click()
    assert column(browser) == ["IQ-A_10", "IQ-R_9", "IQ-R_10"]


def test_heads_take_the_keyboard_and_keep_their_names(browser: webdriver.Chrome, tmp_path: Path) -> None:
    sortable(browser, tmp_path)
    buttons = browser.find_elements(By.CSS_SELECTOR, "thead th > button[type=button]")
    assert [button.accessible_name for button in buttons] == ["name", "score"]
    assert [head.text for head in browser.find_elements(By.CSS_SELECTOR, "thead th")] == ["name", "score", "picture"]
    browser.find_element(By.TAG_NAME, "body").send_keys(Keys.TAB)
    assert browser.switch_to.active_element == buttons[0]
    buttons[0].send_keys(Keys.TAB)
    browser.switch_to.active_element.send_keys(Keys.ENTER)
    assert column(browser)[0] == "sixth"
    browser.switch_to.active_element.send_keys(Keys.SPACE)
    assert column(browser)[0] == "fifth"
    assert browser.switch_to.active_element == buttons[1]


def test_new_rows_take_the_chosen_order(browser: webdriver.Chrome, tmp_path: Path) -> None:
    sortable(browser, tmp_path)
    browser.execute_script("again()")
    assert column(browser) == [row[0] for row in MIXED]
    browser.find_elements(By.CSS_SELECTOR, "thead button")[1].click()
    body = "<tr><th>b</th><td>2</td><td></td></tr><tr><th>a</th><td>1</td><td></td></tr>"
    browser.execute_script("document.querySelector('tbody').innerHTML = arguments[0]; again()", body)
    assert column(browser) == ["a", "b"]
    assert heads(browser) == [None, "ascending", None]


@pytest.mark.parametrize("kind", ["csv", "latex"])
def test_a_sorted_table_is_exported_as_it_stands(browser: webdriver.Chrome, tmp_path: Path, kind: str) -> None:
    sortable(browser, tmp_path)
    browser.find_elements(By.CSS_SELECTOR, "thead button")[0].click()
    lines = exported(browser, kind).splitlines()
    names = [name for line in lines if (name := re.split(",| &", line)[0]) in {row[0] for row in MIXED}]
    assert names == sorted(names)
    assert any(re.match("name(,| & )score", line) for line in lines)
