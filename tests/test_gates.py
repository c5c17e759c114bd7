"""Gates: a table that violates exactly one expectation is caught, named and shown; a valid table passes."""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import partial
from html import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from lines import names
from PIL import Image

from trig import tables
from trig.annotate.funnel import funnel
from trig.errors import GateError
from trig.gates import expect, gate, images, prompts, relations, scores
from trig.gates.gx import look
from trig.gates.page import page
from trig.gates.result import Example, Finding, Result
from trig.keys import prompt_key
from trig.store import Store
from trig.tables.diagnostics import DIAGNOSTICS
from trig.tables.funnel import Credit, Funnel, GivenUp, Why
from trig.tables.images import IMAGES as IMAGES_TABLE
from trig.tables.kinds import DIMENSION, RELATION
from trig.tables.prompts import PROMPTS as PROMPTS_TABLE
from trig.tables.rejected import REJECTED
from trig.tables.scores import SCORES as SCORES_TABLE
from trig.tables.sources import digest
from trig.testing import factories
from trig.vocabulary.dimensions import Pair, Task
from trig.vocabulary.relations import Relation

PROMPTS = factories.prompts()
IMAGES = factories.images(PROMPTS)
SCORES = factories.scores(PROMPTS)
RELATIONS = factories.relations()
LEAK = "the test and train splits share no ancestor, caption, source picture or near-duplicate"
FILLED = "every slot of a subset has its prompt, or was given up"
FOUNDED = "every slot that was given up has its rejected drafts, and no prompt"
NONE_REJECTED = pl.DataFrame(schema=dict(REJECTED.columns))
NEAR = 1.0  # the prompts of the factory differ in a number
Subsets = tuple[tuple[Task, Pair], ...]
Change = Callable[[pl.DataFrame], pl.DataFrame]


def put(there: pl.Expr, **values: object) -> Change:
    """Change of columns in matching rows."""

    def change(frame: pl.DataFrame) -> pl.DataFrame:
        place = frame.with_row_index().filter(there)["index"].to_list()
        assert place
        rows = [row | values if index in place else row for index, row in enumerate(frame.rows(named=True))]
        return pl.DataFrame(rows, schema=frame.schema)

    return change


def say(there: pl.Expr, **values: object) -> Change:
    """The same for prompts, with keys recomputed."""

    def change(frame: pl.DataFrame) -> pl.DataFrame:
        said = put(there, **values)(frame)
        keys = [prompt_key(*asked) for asked in said.select("task", "prompt", "source").iter_rows()]
        return said.with_columns(pl.Series("key", keys))

    return change


def without(there: pl.Expr) -> Change:
    """Drops matching rows."""
    return lambda frame: frame.filter(~there)


def of(data_id: str) -> pl.Expr:
    return pl.col("data_id") == data_id


def only(findings: list[Finding], says: str) -> tuple[int, list[str]]:
    """Count and example rows of the only failing expectation."""
    failed = [finding for finding in findings if not finding.met]
    assert [finding.says for finding in failed] == [says]
    return failed[0].failing, [example.row for example in failed[0].examples]


def of_prompts(frame: pl.DataFrame, subsets: Subsets = factories.SUBSETS) -> list[expect.View]:
    return prompts.views(tables.check(frame, PROMPTS_TABLE, "test"), NONE_REJECTED, Funnel(subsets=()), factories.sizes(subsets), 12, NEAR)


def about_prompts(frame: pl.DataFrame, subsets: Subsets = factories.SUBSETS) -> list[Finding]:
    return look(of_prompts(frame, subsets))


def about_images(frame: pl.DataFrame, folder: Path, model: str = "tiny") -> list[Finding]:
    for (task, pair), shard in frame.group_by("task", "pair", maintain_order=True):
        tables.write(shard, IMAGES_TABLE, folder / str(task) / f"{pair}.parquet")
    return look(images.views(PROMPTS, folder, model, 1, 0.0, Store.passing()))


def of_scores(frame: pl.DataFrame, model: str = "tiny", max_null_share: float = 1.0, asked: pl.DataFrame = PROMPTS) -> list[expect.View]:
    """Views of the two tables of DIAGNOSED rows."""
    scored, told = tables.check(frame, SCORES_TABLE, "test"), tables.check(frame.drop_nulls("judge"), DIAGNOSTICS, "test")
    return scores.views(asked, scored, told, model, 1, max_null_share)


def about_scores(frame: pl.DataFrame, model: str = "tiny", max_null_share: float = 1.0) -> list[Finding]:
    return look(of_scores(frame, model, max_null_share))


def about_relations(frame: pl.DataFrame, min_relations: int = 3) -> list[Finding]:
    return look(relations.views(dict.fromkeys(frame["model"].unique().sort(), PROMPTS), frame, min_relations))


def test_sound_tables_pass(tmp_path: Path) -> None:
    findings = [*about_prompts(PROMPTS), *about_images(IMAGES, tmp_path), *about_scores(SCORES), *about_relations(RELATIONS)]
    assert [finding.says for finding in findings if not finding.met] == []
    assert all(finding.looked_at for finding in findings)


def test_sound_tables_of_other_tasks_pass(tmp_path: Path) -> None:
    subsets = ((Task.P2P, Pair.parse("IQ-R_TA-C")), (Task.S2P, Pair.parse("R-T_R-B")))
    frame = factories.prompts(subsets)
    for (task, pair), shard in factories.images(frame).group_by("task", "pair"):
        tables.write(shard, IMAGES_TABLE, tmp_path / str(task) / f"{pair}.parquet")
    found = [*of_prompts(frame, subsets), *images.views(frame, tmp_path, "tiny", 1, 0.0, Store.passing())]
    found += [*of_scores(factories.scores(frame), "tiny", 0.0, frame), *relations.views({"tiny": frame}, factories.relations(subsets), 2)]
    assert [finding.says for finding in look(found) if not finding.met] == []


ONE, LAST = "IQ-R_TA-C_1", "IQ-R_TA-C_5"  # a test prompt and a train prompt of one subset
NAMED = f"t2i/{ONE}/test"


@pytest.mark.parametrize(
    ("change", "says", "expected"),
    [
        (say(of(ONE), prompt="a " * 12 + "thing 1, drawn for IQ-R_TA-C"), "every prompt has 1 to 12 tokens", (1, [NAMED])),
        (say(of(ONE), prompt=" ", sub_prompts=["", ""]), "every prompt has 1 to 12 tokens", (1, [NAMED])),
        (put(of(ONE), sub_prompts=["thing 1"]), "every prompt has one sub-prompt for each of its two dimensions", (1, [NAMED])),
        (put(of(ONE), sub_prompts=["thing 1", "a hat"]), "a prompt put together from a template contains its sub-prompts", (1, [NAMED])),
        (put(of(ONE), key="abc"), "every key is that of the prompt and its source image", (1, [NAMED])),
        (put(of(ONE), parent="caption IQ-R_TA-C 5"), LEAK, (1, [f"t2i/{LAST}/train"])),
        (put(of(LAST), parent=ONE), LEAK, (1, [f"t2i/{LAST}/train"])),
        (put(of(LAST), caption="caption IQ-R_TA-C 1"), LEAK, (1, [f"t2i/{LAST}/train"])),
        (put(of(ONE), route="copy", parent="IQ-R_TA-C_2"), "a copy is its parent word for word", (1, [NAMED])),
        (
            say(of(LAST), prompt=" a Thing 1,  drawn for IQ-R_TA-C. ", sub_prompts=["", ""]),
            LEAK,
            (1, [f"t2i/{LAST}/train"]),
        ),
        (
            say(of(ONE), prompt="A thing 2, drawn for IQ-R_TA-C.", sub_prompts=["", ""]),
            "no prompt stands twice in its subset and split",
            (2, [NAMED, "t2i/IQ-R_TA-C_2/test"]),
        ),
        (without(of(ONE)), FILLED, (1, ["t2i/IQ-R_TA-C/test"])),
        (without(of(LAST)), FILLED, (1, ["t2i/IQ-R_TA-C/train"])),
    ],
)
def test_prompts_that_break_one_expectation(change: Change, says: str, expected: tuple[int, list[str]]) -> None:
    assert only(about_prompts(change(PROMPTS)), says) == expected


def test_a_language_model_may_find_other_words() -> None:
    reworded = say(of(ONE), prompt="Something else entirely.", annotator="some-llm")(PROMPTS)
    assert all(finding.met for finding in about_prompts(reworded))


def test_a_subset_nobody_asked_for_and_one_that_is_missing() -> None:
    fewer, more = factories.SUBSETS[1:], (*factories.SUBSETS, (Task.T2I, Pair.parse("D-K_R-T")))
    assert only(about_prompts(PROMPTS, fewer), "every prompt belongs to a subset that was asked for")[0] == 6
    assert only(about_prompts(PROMPTS, more), FILLED) == (2, ["t2i/D-K_R-T/test", "t2i/D-K_R-T/train"])


@pytest.mark.parametrize(
    ("task", "says"), [(Task.P2P, "an editing prompt has its source image"), (Task.S2P, "a subject prompt has its subject's image")]
)
def test_a_prompt_without_its_source_image(task: Task, says: str) -> None:
    subsets = ((task, Pair.parse("IQ-R_TA-C")),)
    frame = say(of(ONE), source=None)(factories.prompts(subsets))
    assert only(about_prompts(frame, subsets), says) == (1, [f"{task}/{ONE}/test"])


def test_a_subset_for_which_the_material_has_too_few_prompts_is_told_and_stops_nothing() -> None:
    views = exhausted()
    assert all(finding.met for finding in look(views))
    (note,) = (note for view in views for note in view.notes)
    assert f"t2i IQ-R_TA-C test: 1 of {factories.PER_SUBSET}" in note


def exhausted(frame: pl.DataFrame = PROMPTS, tries: int = 2, refused: int = 2, **changed: object) -> list[expect.View]:
    """Views of a run in which one subset has a single test prompt, and its other slots were given up."""
    kept = frame.filter((pl.col("pair") != "IQ-R_TA-C") | (pl.col("split") == "train") | of(ONE))
    given_up = [GivenUp.model_validate({"slot": slot, "why": Why.SUBSET, "tries": tries} | changed) for slot in (2, 3, 4)]
    drafts = [{"task": "t2i", "pair": "IQ-R_TA-C", "split": "test", "slot": slot, "round": n} for slot in (2, 3, 4) for n in range(refused)]
    rejected = pl.DataFrame(drafts, schema=dict(REJECTED.only(()).columns))
    key = (*factories.SUBSETS[0], "test")
    told = funnel(kept, pl.DataFrame(schema=dict(REJECTED.columns)), factories.sizes(), {}, {}, (), {key: given_up})
    return prompts.views(kept, rejected, told, factories.sizes(), 12, NEAR)


def test_rows_that_were_lost_do_not_pass_for_an_exhausted_material() -> None:
    lost = exhausted(PROMPTS.filter(~of(ONE)))
    assert only(look(lost), FILLED) == (1, ["t2i/IQ-R_TA-C/test"])
    (finding,) = (finding for finding in look(lost) if not finding.met)
    assert finding.examples[0].value == "prompts_and_given_up 3, size 4"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"refused": 1}, "slot 2: 1 rejected drafts, 2 tries"),
        ({"refused": 0}, "slot 2: 0 rejected drafts, 2 tries"),
        ({"parent": "IQ-A_TA-S"}, "slot 2: there is a prompt"),
        ({"parent": "TA-C_TA-S"}, "slot 2: 0 rejected drafts, 2 tries"),
    ],
    ids=["a rejected draft is lost", "all are lost", "a copy of a slot that has a prompt", "a copy of a slot that nobody tried"],
)
def test_a_slot_that_was_given_up_has_its_rejected_drafts(changed: dict[str, Any], said: str) -> None:
    (finding,) = (finding for finding in look(exhausted(**changed)) if not finding.met)
    assert (finding.says, finding.failing, [one.row for one in finding.examples]) == (FOUNDED, 1, ["t2i/IQ-R_TA-C/test"])
    assert said in finding.examples[0].value


def test_an_imported_benchmark_has_no_train_prompts() -> None:
    test, credit = PROMPTS.filter(pl.col("split") == "test"), Credit(of="prompts", licence="CC0", origin="x", entries=12, prompts=12)
    views = prompts.views(test, NONE_REJECTED, Funnel(subsets=(), credits=(credit,)), factories.sizes(), 12, NEAR)
    assert all(finding.met for finding in look(views))


def test_one_instruction_for_two_source_images_is_no_duplicate() -> None:
    subsets = ((Task.P2P, Pair.parse("IQ-R_TA-C")),)
    frame = say(pl.col("split") == "test", prompt="Paint it red.", annotator="person")(factories.prompts(subsets))
    assert all(finding.met for finding in about_prompts(frame, subsets))


PICTURE = "tiny/t2i/IQ-R_TA-C_1"


def picture(png: bytes, path: str = f"{ONE}.png") -> Change:
    return put(of(ONE), image={"bytes": png, "path": path}, digest=digest(png))


def flat_png() -> bytes:
    file = BytesIO()
    Image.new("RGB", (8, 8), "red").save(file, "PNG")
    return file.getvalue()


REFUSED = {"image": None, "digest": None, "status": "null", "reason": "flagged", "prompt_tokens": None, "tokens_read": None}


def gif() -> bytes:
    file = BytesIO()
    Image.new("RGB", (8, 8)).save(file, "GIF")
    return file.getvalue()


@pytest.mark.parametrize(
    ("change", "says", "expected"),
    [
        (put(of(ONE), model="other"), "every picture belongs to the model and to one of its test prompts", None),
        (
            put(of(ONE), data_id=LAST, image={"bytes": factories.png(), "path": f"{LAST}.png"}, digest=digest(factories.png())),
            "every picture belongs to the model and to one of its test prompts",
            None,
        ),
        (picture(factories.png()[:-30]), "every picture decodes as PNG, WebP or JPEG", [PICTURE]),
        (picture(b""), "every picture decodes as PNG, WebP or JPEG", [PICTURE]),
        (picture(gif()), "every picture decodes as PNG, WebP or JPEG", [PICTURE]),
        (put(of(ONE), digest="0" * 32), "every picture has the bytes that its row names by their hash", [PICTURE]),
        (picture(factories.png(1, 8, 9)), "every picture has the size its row declares", [PICTURE]),
        (picture(flat_png()), "at most 0% of a model's pictures are of one colour", ["tiny"]),
        (put(of(ONE), **REFUSED), "at most 0% of a model's pictures are missing", ["tiny"]),
        (put(of(ONE), reason="flagged"), "a row that is ok has no reason", [PICTURE]),
        (put(of(ONE), image=None), "a row that is ok has a picture", [PICTURE]),
        (put(of(ONE), prompt_tokens=3, tokens_read=4), "a model reads no more tokens of a prompt than it has", [PICTURE]),
        (picture(factories.png(), "../x.png"), "every picture is called by its data_id", [PICTURE]),
        (put(of(ONE), key="0" * 31 + "G"), "every key is 32 hex digits", [PICTURE]),
        (without(of(ONE)), "every test prompt has exactly one picture", [PICTURE]),
    ],
)
def test_images_that_break_one_expectation(tmp_path: Path, change: Change, says: str, expected: list[str] | None) -> None:
    findings = about_images(change(IMAGES), tmp_path)
    if expected is None:  # a picture without its prompt also leaves a prompt without one
        failed = {finding.says: finding.failing for finding in findings if not finding.met}
        assert failed == {says: 1, "every test prompt has exactly one picture": 1}
    else:
        assert only(findings, says) == (1, expected)


def notes_on(change: Change, folder: Path, max_null_share: float = 1.0) -> tuple[str, ...]:
    """Notes of the images gate after changes; nothing may fail."""
    for (task, pair), shard in change(IMAGES).group_by("task", "pair", maintain_order=True):
        tables.write(shard, IMAGES_TABLE, folder / str(task) / f"{pair}.parquet")
    result = gate(
        "images", lambda: images.views(PROMPTS, folder, "tiny", 1, max_null_share, Store.passing()), folder / "a.json", folder / "a.html"
    )
    assert result.met and json.loads((folder / "a.json").read_text("utf-8"))["notes"] == list(result.notes)
    html = (folder / "a.html").read_text("utf-8")
    assert all(escape(note) in html for note in result.notes)
    return result.notes


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (put(of(ONE), **REFUSED), f"pictures that are missing: 1, t2i {ONE} first: flagged"),
        (picture(flat_png()), f"pictures of one colour: 1, t2i {ONE} first"),
        (put(of(ONE), prompt_tokens=99, tokens_read=77), f"judged whole: 1, t2i {ONE} first; up to 99 prompt tokens, 77 read by the model"),
        (put(of(ONE), engine="factory 2"), "the pictures come from 2 engines: 11 by factory 1; 1 by factory 2"),
    ],
    ids=["refused", "one colour", "cut prompt", "two engines"],
)  # fmt: skip
def test_one_odd_picture_is_told_and_stops_nothing(change: Change, told: str, tmp_path: Path) -> None:
    (note,) = notes_on(change, tmp_path)
    assert told in note


def test_sound_pictures_need_no_note(tmp_path: Path) -> None:
    assert notes_on(lambda frame: frame, tmp_path, 0.0) == ()


def test_scores_of_two_engines_are_told() -> None:
    mixed = put(SCORED, engine="factory 2")(SCORES)
    (told,) = (note for view in of_scores(mixed) for note in view.notes)
    assert told.startswith("the scores come from 2 engines: 23 by factory 1; 1 by factory 2")


def test_a_prompt_with_a_word_that_the_judge_reserves_is_told_before_anything_is_painted() -> None:
    frame = say(of(ONE), prompt="A thing 1 <|image_pad|>, drawn for IQ-R_TA-C.")(PROMPTS)
    words = frozenset({"<|image_pad|>", "<|im_end|>"})
    views = prompts.views(frame, NONE_REJECTED, Funnel(subsets=()), factories.sizes(), 12, NEAR, words)
    assert [note for view in views for note in view.notes] == [
        f"prompts with a word that the judge reserves, which will have no score: 1, t2i {ONE} first: '<|image_pad|>'"
    ]


def test_a_picture_in_two_shards(tmp_path: Path) -> None:
    tables.write(IMAGES.filter(of(ONE)), IMAGES_TABLE, tmp_path / "again.parquet")
    assert only(about_images(IMAGES, tmp_path), "every test prompt has exactly one picture") == (1, [PICTURE])


SCORED = pl.col("data_id").eq(ONE) & pl.col("dimension").cast(pl.String).eq("IQ-R")
SCORE = f"tiny/t2i/{ONE}/IQ-R"
P = {"p": [0.2, 0.2, 0.6], "confidence": 0.6, "expected": 0.7, "score_trig": 0.42}
NULL = {"status": "null", "score_trig": None, "expected": None, "confidence": None, "p": None, "off_mass": None, "reason": "refused"}


@pytest.mark.parametrize(
    ("change", "says", "expected"),
    [
        (put(SCORED, **P, off_mass=1.5), "off_mass is in [0, 1]", [SCORE]),
        (put(SCORED, **P | {"expected": -0.7, "score_trig": -0.42}), None, ["expected is in [0, 1]", "score_trig is in [0, 1]"]),
        (put(SCORED, **P | {"confidence": 0.5, "score_trig": 0.35}), "the confidence is the largest p", [SCORE]),
        (put(SCORED, **P | {"score_trig": 0.5}), "score_trig is confidence times expected", [SCORE]),
        (put(SCORED, **P | {"p": [0.1, 0.2, 0.6]}), "p sums to 1", [SCORE]),
        (put(SCORED, **P | {"p": [-0.2, 0.6, 0.6]}), "no p is below 0", [SCORE]),
        (put(SCORED, **P | {"p": [1.0], "confidence": 1.0, "score_trig": 0.7}), "p holds at least two grades", [SCORE]),
        (
            put(SCORED, **P | {"p": [2.0, -1.0], "confidence": 2.0, "score_trig": 1.4}),
            None,
            ["confidence is in [0, 1]", "no p is above 1", "no p is below 0", "score_trig is in [0, 1]"],
        ),
        *(
            (put(SCORED, **{"p" if column == "grades" else column: None}), f"a score that is ok has its {column}", [SCORE])
            for column in (*scores.NUMBERS, *scores.ANSWERED, "grades")
        ),
        (put(SCORED, **P | {"status": "null", "reason": "off"}), "a score that is null has no score_trig", [SCORE]),
        (put(SCORED, reason="because"), "a score that is ok has no reason", [SCORE]),
        (put(SCORED, **NULL | {"reason": None}), "a score that is null has a reason", [SCORE]),
        (put(SCORED, **NULL | {"reason": ""}), "a score that is null has a reason", [SCORE]),
        (put(SCORED, key=""), "every key is 32 hex digits", [SCORE]),
        (put(SCORED, image_key="0" * 32 + "\n"), "every image key is 32 hex digits", [SCORE]),
        (
            without(SCORED),
            None,
            ["every test prompt was asked about both its dimensions", "every test prompt was asked about two dimensions or all ten"],
        ),
        (put(SCORED, dimension="D-K"), "every test prompt was asked about both its dimensions", [PICTURE]),
        (
            lambda frame: pl.concat([frame, put(SCORED, dimension="D-K")(frame.filter(SCORED))]),
            "every test prompt was asked about two dimensions or all ten",
            [PICTURE],
        ),
    ],
)
def test_scores_that_break_one_expectation(change: Change, says: str | None, expected: list[str]) -> None:
    findings = about_scores(change(SCORES))
    if says is None:
        assert sorted(finding.says for finding in findings if not finding.met) == expected
    else:
        assert only(findings, says) == (1, expected)


def test_scores_without_diagnostics_pass_and_meet_the_rules_of_any_scorer() -> None:
    plain = factories.undiagnosed(SCORES)
    assert [finding.says for finding in about_scores(plain) if not finding.met] == []
    both = pl.concat([SCORES, plain])
    assert [finding.says for finding in about_scores(both) if not finding.met] == []
    clip = SCORED & pl.col("scorer").eq("clip-score")
    says = "a score without diagnostics has a score_trig that is expected"
    assert only(about_scores(put(clip, expected=0.9, score_trig=0.8)(both)), says) == (1, [SCORE])
    assert only(about_scores(put(clip, expected=None)(both)), "a score that is ok has its expected") == (1, [SCORE])


def test_diagnostics_that_are_lost_or_of_no_score() -> None:
    scored, told = tables.check(SCORES, SCORES_TABLE, "test"), tables.check(SCORES, DIAGNOSTICS, "test")
    same = put(SCORED, score_trig=0.5, expected=0.5)(scored)
    lost = look(scores.views(PROMPTS, same, told.filter(~SCORED), "tiny", 1, 1.0))
    assert only(lost, "a scorer with diagnostics has them of every score") == (1, [SCORE])
    more = put(SCORED, scorer="other")(told.filter(SCORED))
    orphaned = look(scores.views(PROMPTS, scored, pl.concat([told, more]), "tiny", 1, 1.0))
    assert only(orphaned, "all diagnostics belong to a score") == (1, [SCORE])


def test_scores_of_another_model_belong_nowhere() -> None:
    failed = {finding.says: finding.failing for finding in about_scores(SCORES, "other") if not finding.met}
    assert failed["every score belongs to the model and to one of its test prompts"] == SCORES.height


def test_nulls_are_counted_per_dimension() -> None:
    frame = put(SCORED, **NULL)(SCORES)
    assert all(finding.met for finding in about_scores(frame, max_null_share=0.25))
    assert only(about_scores(frame, max_null_share=0.2), "at most 20% of a dimension's scores are null") == (1, ["tiny/IQ-R"])


def test_all_scores_null_is_no_crash() -> None:
    frame = put(pl.lit(True), **NULL)(SCORES)
    assert only(about_scores(frame, max_null_share=0.5), "at most 50% of a dimension's scores are null")[0] == 6


def at(pair: str) -> pl.Expr:
    return pl.col("pair").cast(pl.String) == pair


def outside(column: str, value: float) -> dict[str, float | None]:
    """A value out of range, without the ordering violations it would imply."""
    beside: dict[str, float | None] = {column.replace("_high", "_low"): None, column.replace("_p", "_q"): None}
    beside |= {column.replace("_low", "_high"): None, "runner_up": None}
    return {name: None for name in beside if name != column and name in RELATIONS.columns} | {column: value}


TILT, SYNERGY = at("IQ-A_TA-S"), at("IQ-R_TA-C")


BROKEN: list[tuple[Change, str, str]] = [
    *((put(SYNERGY, **outside(column, -1.5)), f"{column} is in [-1, 1]", "IQ-R_TA-C") for column in relations.CORRELATIONS),
    *((put(SYNERGY, **outside(column, 1.5)), f"{column} is in [0, 1]", "IQ-R_TA-C") for column in relations.SHARES),
    (put(SYNERGY, n=21), "the points of the three regions are all points", "IQ-R_TA-C"),
    (put(SYNERGY, n_below=9), "no more points lie off the line than are in the trade-off region", "IQ-R_TA-C"),
    *((put(SYNERGY, **{column: -1}), f"{column} is no less than 0", "IQ-R_TA-C") for column in ("nulls", "clusters", "n_above", "n_below")),
    (put(SYNERGY, leaning="IQ-R"), "a tilt, and nothing else, leans to a dimension of its pair", "IQ-R_TA-C"),
    (put(TILT, leaning=None), "a tilt, and nothing else, leans to a dimension of its pair", "IQ-A_TA-S"),
    *(
        (
            put(SYNERGY, **{f"{name}_low": 0.8, f"{name}_high": 0.7}),
            f"the interval of {name} has its ends in order",
            "IQ-R_TA-C",
        )
        for name in relations.INTERVALS
    ),
    *((put(SYNERGY, **{f"{test}_p": 0.99}), f"{test}_q is no smaller than {test}_p", "IQ-R_TA-C") for test in relations.TESTS),
    (put(SYNERGY, clusters=21), "no more prompts than samples", "IQ-R_TA-C"),
    (put(SYNERGY, favoured="IQ-R", mean_y=0.6), "the favoured dimension has the higher mean of the pair", "IQ-R_TA-C"),
    (put(SYNERGY, favoured="D-K"), "the favoured dimension has the higher mean of the pair", "IQ-R_TA-C"),
    (put(SYNERGY, kind="loose"), "a dispersion with an interval of rho, and nothing else, is of a kind", "IQ-R_TA-C"),
    (put(SYNERGY, evidence=None), "there is evidence exactly where there is a stability", "IQ-R_TA-C"),
    *(
        (put(SYNERGY, **wrong), "the runner-up is another relation, and no likelier than a supported one", "IQ-R_TA-C")
        for wrong in ({"runner_up": "synergy"}, {"runner_up": "tilt"}, {"runner_up": "tilt", "stability": 0.2, "runner_up_share": 0.7})
    ),
    (put(TILT, leaning="D-K"), "a tilt, and nothing else, leans to a dimension of its pair", "IQ-A_TA-S"),
    (without(SYNERGY), "every model has exactly one relation for each subset with test prompts", "IQ-R_TA-C"),
    (
        lambda frame: pl.concat([frame, frame.filter(SYNERGY)]),
        "every model has exactly one relation for each subset with test prompts",
        "IQ-R_TA-C",
    ),
    (
        lambda frame: pl.concat([frame, put(SYNERGY, pair="R-T_R-B")(frame.filter(SYNERGY))]),
        "every relation belongs to a subset with test prompts",
        "R-T_R-B",
    ),
]
"""Changes of the relations of a model, the expectation that each breaks, and in which pair."""


def test_relations_that_break_one_expectation() -> None:
    """Each breaks its own and no other: of all looked at together, a model each, an expectation finds its own pairs."""
    changed = [change(RELATIONS).with_columns(model=pl.lit(f"{number:02}")) for number, (change, _, _) in enumerate(BROKEN)]
    rows: dict[str, list[str]] = {}
    for number, (_, says, pair) in enumerate(BROKEN):
        rows.setdefault(says, []).append(f"{number:02}/t2i/{pair}")
    failed = [finding for finding in about_relations(pl.concat(changed), min_relations=1) if not finding.met]
    assert {finding.says: [example.row for example in finding.examples] for finding in failed} == rows
    assert all(finding.failing == len(rows[finding.says]) for finding in failed)


def test_a_null_picture_has_a_reason_and_no_picture(tmp_path: Path) -> None:
    for row, says in (
        ({"status": "null", "reason": "x"}, "a row that is null has no picture"),
        (REFUSED | {"reason": None}, "a row that is null has a reason"),
    ):
        found = about_images(put(of(ONE), **row)(IMAGES), tmp_path)
        assert says in {finding.says for finding in found if not finding.met}


def test_no_count_of_points_is_below_0() -> None:
    changed = [put(SYNERGY, **{column: -1})(RELATIONS).with_columns(model=pl.lit(column)) for column in relations.COUNTS]
    found = {finding.says: finding for finding in about_relations(pl.concat(changed))}
    for column in relations.COUNTS:
        assert f"{column}/t2i/IQ-R_TA-C" in {example.row for example in found[f"{column} is no less than 0"].examples}


def test_an_unknown_relation() -> None:
    words = RELATIONS.with_columns(pl.col("relation").cast(pl.String))
    frame = put(SYNERGY, relation="friendship")(words)
    assert only(about_relations(frame), f"every relation is one of {', '.join(Relation)}") == (1, ["tiny/t2i/IQ-R_TA-C"])


def test_a_map_of_one_colour_is_named_by_its_model() -> None:
    other = factories.relations(models=["flat"]).with_columns(relation=pl.lit("none", RELATION), leaning=pl.lit(None, DIMENSION))
    both = pl.concat([RELATIONS, other])
    assert only(about_relations(both, 2), "the map of every model has at least 2 different relations") == (1, ["flat"])
    assert all(finding.met for finding in about_relations(RELATIONS, 3))


def test_too_few_is_no_relation_of_a_map() -> None:
    frame = put(SYNERGY, relation="too few")(RELATIONS)
    assert only(about_relations(frame, 3), "the map of every model has at least 3 different relations") == (1, ["tiny"])


def test_every_expectation_has_a_test_that_breaks_it(tmp_path: Path) -> None:
    said = {
        finding.says
        for finding in [*about_prompts(PROMPTS), *about_images(IMAGES, tmp_path), *about_relations(RELATIONS), *about_scores(SCORES)]
    }
    text = Path(__file__).read_text(encoding="utf-8")
    computed = {f"every relation is one of {', '.join(Relation)}", "at most 100% of a dimension's scores are null"}
    computed |= {f"{column} is no less than 0" for column in relations.COUNTS}
    computed |= {f"a score that is ok has its {column}" for column in (*scores.NUMBERS, *scores.ANSWERED, "grades")}
    computed |= {f"the interval of {name} has its ends in order" for name in relations.INTERVALS}
    computed |= {f"{test}_q is no smaller than {test}_p" for test in relations.TESTS}
    computed |= {f"{column} is in [-1, 1]" for column in relations.CORRELATIONS} | {f"{column} is in [0, 1]" for column in relations.SHARES}
    assert {says for says in said - computed if f'"{says}"' not in text} == set()


def outcome(check: Callable[[], Iterable[expect.View]], folder: Path) -> tuple[str, str]:
    """JSON and page of a gate, failing or not."""
    with suppress(GateError):
        gate("prompts", check, folder / "gates" / "prompts.json", folder / "reports" / "prompts.html")
    return (folder / "gates" / "prompts.json").read_text("utf-8"), (folder / "reports" / "prompts.html").read_text("utf-8")


def test_a_gate_writes_the_same_bytes_each_time_also_when_it_fails(tmp_path: Path) -> None:
    frame = put(of(ONE), key="abc")(PROMPTS)
    for table in (PROMPTS, frame):
        first, second = (outcome(partial(of_prompts, table), tmp_path / name) for name in ("a", "b"))
        assert first == second


def test_a_failing_gate_names_expectation_count_and_rows(tmp_path: Path) -> None:
    frame = put(of(ONE), key="abc", sub_prompts=["thing 1"])(PROMPTS)
    with pytest.raises(GateError) as told:
        gate("prompts", lambda: of_prompts(frame), tmp_path / "a.json", tmp_path / "a.html")
    assert str(told.value) == (
        "prompts: expected that every prompt has one sub-prompt for each of its two dimensions; 1 of 18 prompts fail: "
        f"t2i/{ONE}/test (sub_prompts 1); 2 expectations fail in all; all of it is in {tmp_path / 'a.html'}"
    )
    summary = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert (summary["met"], summary["expectations"], summary["failed"]) == (False, 13, 2)
    assert f"1 of 18 prompts fail: t2i/{ONE}/test (key abc, " in summary["failures"]["every key is that of the prompt and its source image"]


def test_a_table_that_does_not_read_as_declared_fails_its_gate_too(tmp_path: Path) -> None:
    (tmp_path / "prompts.parquet").write_bytes(b"PAR1 not really")
    summary, html = outcome(lambda: of_prompts(tables.read(tmp_path / "prompts.parquet", PROMPTS_TABLE)), tmp_path)
    assert json.loads(summary)["met"] is False
    assert "not a readable parquet file" in summary and "not a readable parquet file" in html
    with pytest.raises(
        GateError, match=names("images", "1 of 1", tmp_path / "prompts.parquet", "parquet", "`dvc repro`", tmp_path / "a.html")
    ):
        gate("images", lambda: images.views(PROMPTS, tmp_path, "tiny", 1, 0.0, Store.passing()), tmp_path / "a.json", tmp_path / "a.html")
    with pytest.raises(GateError, match=names("images", "1 of 1", tmp_path / "none", "images", "`dvc pull`", tmp_path / "a.html")):
        gate(
            "images",
            lambda: images.views(PROMPTS, tmp_path / "none", "tiny", 1, 0.0, Store.passing()),
            tmp_path / "a.json",
            tmp_path / "a.html",
        )


def test_the_page_shows_what_is_in_the_table_as_text() -> None:
    nasty = Example('<script>alert("1")</script>', "key ../../etc & <b>")
    html = page(Result("prompts", (Finding("every <b> is <i>", "check", "rows", 3, 2, (nasty,)),)))
    assert "<script" not in html and "<b>" not in html
    assert "&lt;script&gt;" in html and "and 1 more" in html
    assert "http" not in html and "src=" not in html


def test_an_exception_inside_great_expectations_is_a_bug_and_not_a_verdict() -> None:
    view = expect.View("rows", PROMPTS.select("data_id"), ("data_id",), {"x": expect.missing("nothing")})
    with pytest.raises(RuntimeError, match="x: "):
        look([view])
