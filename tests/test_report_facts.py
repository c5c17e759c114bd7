"""The facts of the page are of their types, and the page reads every field of them and no other: a field that is renamed on one side only is
noticed. The page is watched while somebody looks around in a real browser; that is skipped where no Chromium is installed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import chromium
import pytest
from opened import Reader
from pydantic import TypeAdapter
from reporting import Run, prompted, proven
from selenium import webdriver

from trig.report import numbers, page, prompting, proofs
from trig.report.facts.digest import Change, DigestFacts
from trig.report.facts.figures import Diverse, Figures, Gap
from trig.report.facts.page import Agreement, Facts
from trig.report.facts.parts import Moves, Samples, Scores
from trig.report.facts.rows import as_json, fitted, rows

KINDS: dict[str, tuple[str, Any]] = {
    "facts": ("facts", TypeAdapter(Facts)),
    "part-moves-t2i": ("moves", TypeAdapter(list[Moves])),
    "part-samples-t2i": ("samples", TypeAdapter(Samples)),
    "part-points-0-t2i": ("scores", TypeAdapter(Scores)),
}
"""By the id of its element: what stands there, and its type."""
WHOLE = {"facts.relations", "facts.thresholds"}
"""Records whose fields may be listed: columns become rows, and the thresholds are shown in full."""
WATCH = """
window.watch = { read: new Set(), unknown: new Set(), listed: new Set() };
const parse = JSON.parse;
const kinds = KINDS;
JSON.parse = (text, ...more) => {
  const found = parse(text, ...more);
  const own = Object.entries(kinds).find(([id]) => document.getElementById(id)?.textContent === text);
  return own ? watched(found, own[1].shape, own[1].name) : found;
};
function watched(value, shape, path) {
  if (!value || !shape) return value;
  const inside = (below, way) => Object.fromEntries(Object.entries(value).map(([name, one]) => [name, watched(one, below(name), way(name))]));
  if (shape.items) return value.map((one) => watched(one, shape.items, path));
  if (shape.values) return inside(() => shape.values, () => path);
  return new Proxy(inside((name) => shape.fields[name], (name) => `${path}.${name}`), {
    get(target, name) { // a promise asks what it resolves to for `then`
      if (typeof name === "string" && name !== "then") window.watch[name in shape.fields ? "read" : "unknown"].add(`${path}.${name}`);
      return target[name];
    },
    ownKeys(target) {
      window.watch.listed.add(path);
      return Reflect.ownKeys(target);
    },
  });
}
"""
TOLD = "return Object.fromEntries(Object.entries(window.watch).map(([name, found]) => [name, [...found]]))"
SPREAD = dict.fromkeys(("vendi", "vendi_low", "vendi_high", "distance", "distance_low", "distance_high"), 0.5) | {
    "task": None,
    "n": 24,
    "nulls": 1,
}
"""Diversity, as of a run with several pictures of a prompt."""
Shape = dict[str, Any] | None


@dataclass(frozen=True)
class Watched:
    """What a page did with its facts, as paths."""

    read: set[str]
    unknown: set[str]  # read, and not in the types
    listed: set[str]  # records of which all fields were listed or copied


def shape(schema: dict[str, Any], known: dict[str, Any]) -> Shape:
    """Where the records of a type lie, from its JSON schema; None where there are none."""
    if "$ref" in schema:
        return shape(known[schema["$ref"].rpartition("/")[2]], known)
    if "properties" in schema:
        return {"fields": {name: shape(one, known) for name, one in schema["properties"].items()}}
    below = {"items": schema.get("items"), "values": schema.get("additionalProperties")}
    found = [{kind: inner} for kind, one in below.items() if isinstance(one, dict) and (inner := shape(one, known))]
    found += [inner for one in schema.get("anyOf", ()) if (inner := shape(one, known))]
    return found[0] if found else None


def paths(of: Shape, path: str) -> Iterator[str]:
    """The fields of a shape."""
    for kind, below in (of or {}).items():
        if kind != "fields":
            yield from paths(below, path)
            continue
        for name, inner in below.items():
            yield f"{path}.{name}"
            yield from paths(inner, f"{path}.{name}")


def shapes() -> dict[str, tuple[str, Shape]]:
    found = {}
    for place, (name, kind) in KINDS.items():
        schema = kind.json_schema()
        found[place] = (name, shape(schema, schema.get("$defs", {})))
    return found


def test_facts_are_of_their_types(ran: Run) -> None:
    contents = ran.contents
    texts = {f"part-{name}": text for name, text in contents.digest.parts.items()} | {"facts": as_json(page.facts(contents))}
    for place, (_, kind) in KINDS.items():
        assert as_json(kind.validate_json(texts[place])) == texts[place], place


@pytest.fixture(scope="module")
def html(ran: Run) -> str:
    """A report in which everything that is shown only at times is there."""
    contents = ran.contents
    facts = contents.digest.facts
    several: Figures = {
        **facts["figures"],
        "links": [*facts["figures"]["links"], {**facts["figures"]["links"][0], "within": "prompts"}],
        "diverse": fitted(Diverse, [SPREAD | {"model": model} for model in ran.models]),
        "gaps": fitted(Gap, [SPREAD | {"a": "tiny", "b": "tiny-dtm"}]),
        "features": "colours",
    }
    both = proven(prompted(ran), stopped="at step 3").gathered
    (proved,) = proofs.facts(both, [rows(Change, numbers.changes(both.scores, both.background.tunings[0], both.score))])
    shown: DigestFacts = {
        **facts,
        "figures": several,
        "promptings": prompting.facts(prompted(ran).gathered),
        "proofs": [proved],
        "tunings": both.background.tunings,
    }
    digest = replace(contents.digest, facts=shown)
    agreements: list[Agreement] = [{**one, "kappa": None, "kappa_reason": "chance agrees as well"} for one in contents.agreements[:1]]
    return page.render(replace(contents, agreements=agreements, digest=digest))


def watch(browser: webdriver.Chrome, file: Path, places: list[tuple[tuple[str, ...], dict[str, object]]]) -> Watched:
    """Look at places of a page, and tell what it did."""
    kinds = {place: {"name": name, "shape": of} for place, (name, of) in shapes().items()}
    source = {"source": WATCH.replace("KINDS", json.dumps(kinds))}
    script = browser.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", source)
    reader = Reader(browser, file.as_uri())
    try:
        reader.load("nowhere")
        for path, limits in places:
            reader.go(*path, **limits)
            reader.draw()
        return Watched(**{name: set(found) for name, found in reader.script(TOLD).items()})
    finally:
        browser.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", script)


def everywhere(ran: Run) -> list[tuple[tuple[str, ...], dict[str, object]]]:
    """Every page, every pair of a model, and what the sliders move."""
    pages = [(name,) for name in ("overview", "model", "front", "contact", "judge", "gates", "methods")]
    pairs = [("pair", "tiny", pair) for pair in ran.relations["pair"].unique()]
    models = [("compare", "tiny", "tiny-dtm"), ("compare", "tiny-dtm", "tiny"), ("pictures", "tiny", "IQ-R_TA-S")]
    return [*((path, {}) for path in (*pages, *pairs, *models)), (("overview",), {"fdr": 0.3}), (("overview",), {"synergy": 0.7})]


@chromium.needed
def test_the_page_reads_every_fact_and_no_other(browser: webdriver.Chrome, ran: Run, html: str, tmp_path: Path) -> None:
    file = tmp_path / "index.html"
    file.write_text(html, "utf-8")
    found = watch(browser, file, everywhere(ran))
    assert found.unknown == set()
    assert {path for name, of in shapes().values() for path in paths(of, name)} - found.read == set()
    assert found.listed == WHOLE, "a copy of a record hides which of its fields are read"


@chromium.needed
@pytest.mark.parametrize(
    ("field", "path", "where"),
    [
        ("numeral", "facts.maps.groups", "model"),
        ("off_mass_95", "facts.diagnoses", "judge"),
        ("runner_up_share", "facts.relations", "model"),
        ("x_low", "moves", "compare"),
        ("vendi_low", "facts.figures.gaps", "overview"),
    ],
)
def test_a_field_that_is_renamed_on_one_side_is_noticed(
    browser: webdriver.Chrome, html: str, tmp_path: Path, field: str, path: str, where: str
) -> None:
    file = tmp_path / "index.html"
    data, script = html.rsplit("<script>", 1)
    assert field in script
    file.write_text(f"{data}<script>{script.replace(field, 'renamed')}", "utf-8")
    found = watch(browser, file, [((where,), {})])
    assert f"{path}.renamed" in found.unknown
    assert f"{path}.{field}" not in found.read
