"""Markdown summary: counts, and escaping of untrusted names."""

import re
from dataclasses import replace
from html import unescape

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token
from reporting import Run, run_of

from trig.classify.map import all_groups
from trig.report import numbers
from trig.report.facts.digest import Change, Gate, Level, Tuning
from trig.report.facts.rows import rows as facts
from trig.report.markdown import code, prose
from trig.report.summary import summary
from trig.tables.kinds import DIMENSION, EVIDENCE, RELATION
from trig.testing.factories import EVIL
from trig.vocabulary.relations import Relation

HOSTILE = [
    EVIL,
    "a|b`c`",
    "x\n\n# owned\n",
    "@team #1 www.example.org",
    "[l](http://x) ![i](y)",
    "*b* _i_ ~~s~~ \\",
    "</code></details>",
    "- --- 1.",
]
MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
OURS = {"<code>", "</code>", "<details><summary>Groups in words, and the pairs that are supported</summary>\n", "</details>\n"}


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return run_of(tmp_path_factory.mktemp("run"), rows=40)


def told(of: Run) -> str:
    """The summary of this run."""
    changes = [(tuning, facts(Change, numbers.changes(of.scores, tuning, of.score))) for tuning in of.background.tunings]
    maps = all_groups(of.relations)
    return summary(
        of.models, of.relations, levels(of.answers, of.score), maps, of.thresholds, tiny=of.background.tiny, gates=of.gates, changes=changes
    )


def levels(answers: pl.DataFrame, score: str) -> list[Level]:
    return facts(Level, numbers.levels(answers, score).with_columns(task=pl.lit(None)))


def rows(text: str, first: str) -> list[list[str]]:
    """Body of the table with this first heading, as text."""
    lines = text[text.index(f"| {first} |") :].split("\n\n", maxsplit=1)[0].splitlines()[2:]
    return [[unescape(re.sub(r"</?code>|\*", "", cell)).strip() for cell in re.split(r"\s\|", line.strip("| "))] for line in lines]


def tokens(text: str) -> list[Token]:
    return [one for block in MARKDOWN.parse(text) for one in (block, *(block.children or []))]


def test_the_models_are_counted(ran: Run) -> None:
    found = {row[0]: row[1:] for row in rows(told(ran), "model")}
    assert list(found) == list(ran.models)
    for model, (n, nulls, level, *counts, supported) in found.items():
        own = ran.relations.filter(model=model)
        answers = ran.scores.filter(pl.col("model") == model).unique("key")
        assert (int(n), int(nulls)) == (answers["expected"].count(), answers["expected"].null_count())
        per_dimension = answers.group_by("dimension").agg(pl.col("expected").mean())["expected"]
        assert float(level) == pytest.approx(float(str(per_dimension.mean())), abs=6e-4)
        assert list(map(int, counts)) == [own.filter(relation=name.value).height for name in Relation]
        assert int(supported) == own.filter(pl.col("evidence") == "supported", ~pl.col("relation").is_in(["none", "too few"])).height


def test_supported_pairs_are_named(ran: Run) -> None:
    text = told(ran)
    lines = [line.removeprefix("- Supported: ") for line in text.splitlines() if line.startswith("- Supported: ")]
    assert len(lines) == 3
    for model, line in zip(ran.models, lines, strict=True):
        own = ran.relations.filter(pl.col("model") == model, pl.col("evidence") == "supported", pl.col("relation") != "none")
        assert own.height > 0
        assert line.count(" and ") + line.count(" over ") == own.height
    shown = {"relation": ("tilt", RELATION), "leaning": ("TA-S", DIMENSION), "evidence": ("supported", EVIDENCE)}
    alone = ran.relations.filter(pl.col("pair") == "IQ-R_TA-S").with_columns(**{name: pl.lit(*said) for name, said in shown.items()})
    assert told(replace(ran, relations=alone)).count("- Supported: tilt Style over Realism.") == 3


def test_too_few_prompts_are_told(ran: Run) -> None:
    said = "relations rest on fewer than 30 prompts** (`thresholds.enough_points`; at most 40 here), too few to be supported."
    assert "fewer than" not in told(ran)
    own = pl.when(pl.col("pair") == "IQ-R_TA-S").then(29).otherwise("clusters").cast(pl.Int64)
    assert f"**3 of 126 {said}" in told(replace(ran, relations=ran.relations.with_columns(clusters=own)))
    few = replace(ran, relations=ran.relations.with_columns(clusters=pl.lit(24, pl.Int64)))
    assert "**All 126 relations rest on fewer than 30 prompts** (`thresholds.enough_points`; at most 24 here)" in told(few)


def test_without_resamples_nothing_is_said_of_evidence(ran: Run) -> None:
    text = told(replace(ran, relations=ran.relations.with_columns(evidence=pl.lit(None, EVIDENCE))))
    assert {row[-1] for row in rows(text, "model")} == {"–"}
    assert text.count("- Supported: evidence was not computed.") == 3


def test_a_tuned_models_change_is_told(ran: Run) -> None:
    tuning = ran.background.tunings[0]
    changes = numbers.changes(ran.scores, tuning, "expected")
    found = rows(told(ran), "tuned pair")
    for row, want in zip(found, changes.drop_nulls("pair").iter_rows(named=True), strict=True):
        assert row[:2] == ["t2i", want["pair"]]
        assert row[3:6] == [f"{want['before']:.3f}", f"{want['after']:.3f}", f"{want['mean']:+.3f}"]
        assert row[7] == str(want["n"])
    text = told(ran)
    whole = changes.filter(pl.col("pair").is_null())
    rose, fell = whole.filter(pl.col("low") > 0).height, whole.filter(pl.col("high") < 0).height
    assert rose > 0
    assert f"; {10 - rose - fell} of 10 dimensions unclear." in text
    turned = told(replace(ran, background=replace(ran.background, tunings=(Tuning("tiny-dtm", "tiny", ()),))))
    assert "| tuned pair |" not in turned
    assert "t2i, over all pairs: down " in turned


def test_a_pair_without_samples_has_no_change(ran: Run) -> None:
    nobody = Tuning("tiny", "nobody", ("IQ-R_TA-S",))
    changes = facts(Change, numbers.changes(ran.scores, nobody, "expected"))
    text = summary((), ran.relations, (), {}, ran.thresholds, tiny=True, changes=[(nobody, changes)])
    assert "No sample has a score of both." in text
    assert "of 0 models" in text


def test_the_first_lines_say_what_it_is(ran: Run) -> None:
    assert told(ran).splitlines()[2].startswith("**This is the tiny world.**")
    assert "tiny world" not in told(replace(ran, background=replace(ran.background, tiny=False)))
    assert "Gates that fail, 1 of 2" in told(ran)


def test_gates_that_hold_are_one_line(ran: Run) -> None:
    told = levels(ran.answers, "expected")
    noted = Gate("b", True, 1, notes=("2 have no picture",))
    assert f"All 2 gates hold.\n\n- {code('b')}: {code('2 have no picture')}" in summary(
        ran.models, ran.relations, told, {}, ran.thresholds, tiny=True, gates=[Gate("a", True, 3), noted]
    )
    text = summary(ran.models, ran.relations, told, {}, ran.thresholds, tiny=True, gates=[Gate("a", True, 3), Gate("b", True, 1)])
    assert "\n\nAll 2 gates hold.\n\n" in text


def test_the_same_contents_give_the_same_text(ran: Run) -> None:
    assert told(ran) == told(replace(ran, relations=ran.relations.sample(fraction=1.0, shuffle=True, seed=3)))


def hostile(of: Run, name: str) -> str:
    """The summary of a run in which a model, a gate and what it says bear this name."""
    relations = of.relations.filter(model="tiny").with_columns(model=pl.lit(name))
    own = levels(of.answers.filter(model="tiny").with_columns(model=pl.lit(name)), of.score)
    tuning = Tuning(name, name, ("IQ-R_TA-S",))
    changes = facts(Change, numbers.changes(of.scores, of.background.tunings[0], of.score))
    gates, maps = [Gate(name, False, 2, (name, name))], all_groups(relations)
    return summary((name,), relations, own, maps, of.thresholds, tiny=True, gates=gates, changes=[(tuning, changes)])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_name_is_text_and_nothing_else(ran: Run, name: str) -> None:
    text, plain = hostile(ran, name), hostile(ran, "tiny")
    assert [one.type for one in tokens(text) if one.type != "text"] == [one.type for one in tokens(plain) if one.type != "text"]
    assert {one.content for one in tokens(text) if one.type.startswith("html")} <= OURS
    shown = [unescape(said) for said in re.findall("<code>(.*?)</code>", MARKDOWN.render(text), re.DOTALL)]
    assert shown.count(name) == 5
    assert shown.count(f"{name}; {name}") == 1
    assert not any(link in text for link in ("@team", "www.", "://"))


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Cn"]), max_size=12))
def test_any_text_is_itself_again(text: str) -> None:
    inline = [child for block in MARKDOWN.parse(f"| a |\n| - |\n| {code(text)} |") for child in block.children or []][2:-1]
    assert "".join(child.content for child in inline) == text
    assert MARKDOWN.render(f"- x{prose(text)}y") == f"<ul>\n<li>x{escaped(text)}y</li>\n</ul>\n"


def escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")


def test_what_could_begin_a_list_begins_none() -> None:
    for text in ("1. a", "1) a", "- a", "+ a", "# a", "    a"):
        assert MARKDOWN.render(f"- {prose(text)}") == f"<ul>\n<li>{text}</li>\n</ul>\n"
