"""Review by people: what is exported, what a filled file may hold, and figures and verdicts against values computed by hand."""

import csv
import json
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import pytest
import reviewed
from reviewed import GOLD, Answer, answer, export, filled, prompts, review

from trig.annotate.review import Verdict, verdicts
from trig.annotate.review.items import Item, load
from trig.errors import TrigError

PLAN: dict[str, list[Answer]] = {
    "ann": [answer(), answer(), answer("reject"), answer(quality=5), answer(y="no"), answer("reject", remark="no\x1b[2J verb")],
    "bob": [answer(), answer(), answer("reject"), answer(quality=1), answer(y="no"), answer("reject")],
    "cy": [answer(), answer("reject"), answer(), answer(quality=5), answer(), answer("reject", remark="dull, flat")],
    "dan": [answer(verdict) for verdict in ("reject", "reject", "accept", "reject", "reject", "accept")],
}
"""Answers of four raters to six prompts."""
GOLDEN = {
    "ann": (answer(quality=4), answer("reject", 1, "no", "no")),  # a grade that is near is right: 8 of 8
    "bob": (answer(quality=5), answer("accept", 2, "no", "no")),  # 7 of 8
    "cy": (answer(quality=5), answer("accept", 1, "no", "yes")),  # 6 of 8
    "dan": (answer("reject", 1, "no", "no"), answer("accept", 5)),  # 0 of 8
}


def planned(rater: str) -> Callable[[Item], Answer]:
    """What a rater answers: bob changes his verdict when a prompt comes again, cy the grade by two."""

    def plan(item: Item) -> Answer:
        if item.kind == "gold":
            return GOLDEN[rater][item.prompt == "car car car"]
        first = PLAN[rater][int(item.data_id.rsplit("_", 1)[1]) - 1]
        if item.kind == "prompt" or rater in ("ann", "dan"):
            return first
        if rater == "bob":
            return first | {"verdict": "accept" if first["verdict"] == "reject" else "reject"}
        return first | {"quality": str(int(first["quality"]) - 2)}

    return plan


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A review of six prompts, one of them twice, and two gold items."""
    (tmp_path / "gold.csv").write_text(GOLD, "utf-8")
    export(tmp_path / "out", prompts(tmp_path), "--gold", tmp_path / "gold.csv", "--repeats", "0.17")
    return tmp_path / "out"


def test_figures_and_verdicts_are_those_computed_by_hand(place: Path, tmp_path: Path) -> None:
    files = [filled(place, rater, planned(rater)) for rater in PLAN]
    out = tmp_path / "data" / "review" / "pilot.csv"
    ran = review("import", *files, "--key", place / "key.json", "--out", out)
    assert ran.exit_code == 0, (ran.output, ran.exception)
    assert "dan is left out: 0% of 8 of the gold answers are right, and 70% are needed" in ran.stdout and "\x1b" not in ran.stdout
    told = json.loads(out.with_suffix(".json").read_text("utf-8"))
    raters = {one["rater"]: one for one in told["raters"]}
    gold, repeats, consensus = (
        {name: (one[kind]["agree"], one[kind]["of"]) for name, one in raters.items()} for kind in ("gold", "repeats", "consensus")
    )
    assert gold == {"ann": (8, 8), "bob": (7, 8), "cy": (6, 8), "dan": (0, 8)}
    assert repeats == {"ann": (4, 4), "bob": (3, 4), "cy": (3, 4), "dan": (4, 4)}
    assert consensus == {"ann": (4, 4), "bob": (4, 4), "cy": (4, 6), "dan": (0, 6)}
    assert [name for name, one in raters.items() if one["kept"]] == ["ann", "bob", "cy"]
    assert {(one["question"], one["level"]): one["alpha"] for one in told["alpha"]} == {
        ("concerns", "nominal"): pytest.approx(float(Fraction(33, 68))),
        ("quality", "nominal"): pytest.approx(float(Fraction(30, 47))),
        ("quality", "ordinal"): pytest.approx(1 - 17 * 544.5 / 7344),
        ("verdict", "nominal"): pytest.approx(float(Fraction(19, 36))),
    }
    assert {name: (one["agree"], one["of"]) for name, one in told["concerns"].items() if one["of"]} == {"IQ-R": (18, 18), "TA-S": (16, 18)}
    assert told["verdicts"] == {"accept": 2, "reject": 2, "open": 2}
    numbered = {item.data_id: item.key for item in load(place / "key.json").of("prompt")}
    found = verdicts(out.parent) or {}
    assert {name: found[key] for name, key in sorted(numbered.items())} == {
        "IQ-R_TA-S_1": Verdict("accept", "3 accept, 0 reject", "3 of 3 accept"),
        "IQ-R_TA-S_2": Verdict("accept", "2 accept, 1 reject", "2 of 3 accept"),
        "IQ-R_TA-S_3": Verdict("reject", "1 accept, 2 reject", "2 of 3 reject"),
        "IQ-R_TA-S_4": Verdict("open", "3 accept, 0 reject", "grades of quality from 1 to 5"),
        "IQ-R_TA-S_5": Verdict("open", "3 accept, 0 reject", "accepted, but 2 of 3 say that it does not concern Style"),
        "IQ-R_TA-S_6": Verdict("reject", "0 accept, 3 reject", "3 of 3 reject | no [2J verb | dull, flat"),
    }


def test_stricter_rules_leave_more_to_a_person(place: Path, tmp_path: Path) -> None:
    files = [filled(place, rater, planned(rater)) for rater in ("ann", "bob", "cy")]
    found = {}
    for name, options in (("votes", ["--votes", "4"]), ("majority", ["--majority", "0.7"]), ("spread", ["--spread", "4"]), ("pair", [])):
        out = tmp_path / f"{name}.csv"
        ran = review("import", *(files[:2] if name == "pair" else files), "--key", place / "key.json", "--out", out, *options)
        assert ran.exit_code == 0, ran.exception
        found[name] = [one.reason for one in (verdicts(out) or {}).values() if one.verdict == "open"]
    assert (
        found["votes"] == ["3 votes, and 4 are needed"] * 5 + ["3 votes, and 4 are needed | no [2J verb | dull, flat"]
        or len(found["votes"]) == 6
    )
    assert {"only 2 of 3 accept", "only 2 of 3 reject"} <= set(found["majority"])
    assert found["spread"] == ["accepted, but 2 of 3 say that it does not concern Style"]
    assert len(found["pair"]) == 2


def test_missing_values_are_allowed_when_they_are_said_to_be(place: Path, tmp_path: Path) -> None:
    def half(item: Item) -> Answer:
        return dict.fromkeys(answer(), "") if item.data_id.endswith(("5", "6")) else planned("bob")(item)

    files = [filled(place, "ann", planned("ann")), filled(place, "bob", half)]
    refused = review("import", *files, "--key", place / "key.json", "--out", tmp_path / "a.csv")
    assert "concerns_x has no answer; answer it, or add --partial" in str(refused.exception)
    ran = review("import", *files, "--key", place / "key.json", "--out", tmp_path / "a.csv", "--partial")
    assert ran.exit_code == 0, ran.exception
    told = json.loads((tmp_path / "a.json").read_text("utf-8"))
    assert {one["question"]: one["units"] for one in told["alpha"]} == {"concerns": 8, "quality": 4, "verdict": 4}


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (lambda text: text.replace(text.splitlines()[1][:13], "0123456789ab", 1), "line 2: id '0123456789ab' is unknown; the file belongs to"),
        (lambda text: text.replace(",4,accept", ",,accept", 1), ": quality has no answer; answer it"),
        (lambda text: text.replace(",4,accept", ",6,accept", 1), ": quality '6' is no answer; write a grade from 1 to 5"),
        (lambda text: text.replace(",yes,", ",perhaps,", 1), "'perhaps' is no answer; write yes or no"),
        (lambda text: text.replace(",ann", ",eve", 1), "column 'rater': it has rows of ann and of eve; one file is one rater's"),
        (lambda text: text.replace(",ann", ","), "column 'rater': nobody is named; one file is one rater's: write the name"),
        (lambda text: text + text.splitlines()[1] + "\r\n", "stands in an earlier row too; keep one"),
        (lambda text: "\r\n".join(text.splitlines()[:-1]), "1 of 9 prompts are missing; send all rows back, or add --partial"),
        (lambda text: text.replace(",verdict,", ",judgement,", 1), "column 'verdict' is missing; keep the columns of the first line"),
        (lambda text: text.replace("concerns_x", "verdict", 1), "column 'concerns_x' is missing"),
        (lambda text: text.replace(",ann", ",ann,and more", 1), "line 2: 14 cells for 13 columns; put a text with commas in quotes"),
        (lambda text: text + 'a,"b', "no sound CSV (unexpected end of data); mend its quotes and line ends"),
        (lambda text: text.replace("yes", "y\0s", 1), "this is not UTF-8 text; save it anew as `CSV UTF-8`"),
        (lambda _: "", "column 'id' is missing"),
    ],
)  # fmt: skip
def test_a_filled_file_that_is_not_sound_is_one_line(place: Path, tmp_path: Path, edit: Callable[[str], str], said: str) -> None:
    file = filled(place, "ann", planned("ann"), edit)
    ran = review("import", file, "--key", place / "key.json", "--out", tmp_path / "a.csv")
    assert isinstance(ran.exception, TrigError) and said in str(ran.exception), ran.exception
    assert str(ran.exception).startswith(str(file)) and "\n" not in str(ran.exception)
    assert not (tmp_path / "a.csv").exists()


def test_files_of_spreadsheet_programs_are_read(place: Path, tmp_path: Path) -> None:
    file = filled(place, "ann", planned("ann"))
    rows = list(csv.reader(file.read_text("utf-8").splitlines()))
    said = {}
    for name, encoding, delimiter in (
        ("excel", "utf-8-sig", ";"),
        ("tabs", "utf-8", "\t"),
        ("old", "utf-16", ","),
        ("latin", "latin-1", ";"),
    ):
        with (tmp_path / f"{name}.csv").open("w", encoding=encoding, newline="") as out:
            csv.writer(out, delimiter=delimiter).writerows([*rows, ["", "é"]] if name == "latin" else rows)
        said[name] = str(
            review("import", tmp_path / f"{name}.csv", "--key", place / "key.json", "--out", tmp_path / f"{name}-out.csv").exception
        )
    wrong = "this is not UTF-8 text; save it anew as `CSV UTF-8`"
    assert said == {"excel": "None", "tabs": "None", "old": f"{tmp_path}/old.csv: {wrong}", "latin": f"{tmp_path}/latin.csv: {wrong}"}


def test_a_rater_counts_once_and_a_missing_or_foreign_key_is_said(place: Path, tmp_path: Path) -> None:
    one = filled(place, "ann", planned("ann"))
    two = filled(place, "Ann", planned("ann"))
    told = str(review("import", one, two, "--key", place / "key.json", "--out", tmp_path / "a.csv").exception)
    assert told == f"{two}: rater 'Ann' sent {one} too; keep one, or write other names"
    (tmp_path / "key.json").write_text('{"review": 1}', "utf-8")
    for key in (tmp_path / "key.json", tmp_path / "none.json"):
        assert str(review("import", one, "--key", key, "--out", tmp_path / "a.csv").exception).startswith(f"{key}: ")
    worst = filled(place, "dan", planned("dan"))
    told = str(review("import", worst, "--key", place / "key.json", "--out", tmp_path / "a.csv").exception)
    assert told == "every rater's gold score is below 0.7; look at the gold answers, or lower --gold-score"


def test_verdicts_settled_by_hand_are_not_overwritten(place: Path, tmp_path: Path) -> None:
    order = ["import", filled(place, "ann", planned("ann")), "--key", place / "key.json", "--out", tmp_path / "a.csv"]
    assert review(*order).exit_code == 0
    (tmp_path / "a.csv").write_text((tmp_path / "a.csv").read_text("utf-8-sig").replace('accept,"1 accept', 'reject,"1 accept'), "utf-8")
    assert "perhaps with verdicts settled by hand" in str(review(*order).exception)
    assert {one.verdict for one in (verdicts(tmp_path / "a.csv") or {}).values()} >= {"reject"}
    assert review(*order, "--replace").exit_code == 0


# Export


def test_repeats_and_gold_are_mixed_in_unmarked(place: Path, tmp_path: Path) -> None:
    key = load(place / "key.json")
    assert [len(key.of(kind)) for kind in ("prompt", "again", "gold")] == [6, 1, 2]
    order = [item.key for item in key.items]
    again = key.of("again")[0].key
    assert order[order.index(again) + 1 :].index(again) >= 3
    page, table = ((place / "raters" / name).read_text("utf-8-sig") for name in ("review.html", "review.csv"))
    for word in (*(item.key for item in key.of("prompt")), '"again"', "gold", '"kind"', "data_id", "IQ-R_TA-S_"):
        assert word not in page and word not in table, word
    other = export(tmp_path / "again", tmp_path / "prompts.parquet", "--gold", tmp_path / "gold.csv", "--repeats", "0.17")
    assert other == key
    for name in ("raters/review.html", "raters/review.csv", "key.json"):
        assert (place / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_repeats_lie_far_apart_and_a_sample_stays_when_prompts_come_and_go(tmp_path: Path) -> None:
    table = prompts(tmp_path, 200)
    key = export(tmp_path / "all", table)
    places = {(item.key, item.kind): place for place, item in enumerate(key.items)}
    gaps = [places[one.key, "again"] - places[one.key, "prompt"] for one in key.of("again")]
    assert len(gaps) == 10 and min(gaps) >= 100
    some = {item.key for item in export(tmp_path / "some", table, "--sample", 20).of("prompt")}
    fewer = {item.key for item in export(tmp_path / "fewer", prompts(tmp_path, 190), "--sample", 20).of("prompt")}
    assert len(some) == len(fewer) == 20 and len(some & fewer) >= 17
    assert {item.key for item in export(tmp_path / "other", table, "--sample", 20, "--seed", 1).of("prompt")} != some


def test_a_formula_is_text_and_a_picture_is_told_in_words(tmp_path: Path) -> None:
    table, pictures = reviewed.with_pictures(tmp_path)
    export(tmp_path / "out", table, "--source", pictures)
    rows = {row["prompt"]: row for row in csv.DictReader((tmp_path / "out" / "raters" / "review.csv").read_text("utf-8-sig").splitlines())}
    assert "'=HYPERLINK(1)" in rows
    assert rows["Turn the picture into an etching"]["picture"] == "noise of a beach"
    assert rows["This kite beside something to drink from"]["picture"] == "noise of kite"


@pytest.mark.parametrize(
    ("gold", "said"),
    [
        ("t2x,IQ-R_TA-S,a,yes", "line 2: task 't2x' is unknown; choose one of t2i, p2p, s2p"),
        ("t2i,TA-S_IQ-R,a,yes", "line 2: pair 'TA-S_IQ-R' is no pair of t2i; write it as IQ-R_TA-S"),
        ("t2i,style,a,yes", "line 2: pair 'style' is no pair of t2i; write it as IQ-R_TA-S, in the order of the dimensions"),
        ("t2i,IQ-R_TA-S, ,yes", "line 2: the prompt is blank; write it"),
        ("t2i,IQ-R_TA-S,a,", "line 2: no answer is known; fill in concerns_x, concerns_y, quality, verdict, or some of them"),
        ("t2i,IQ-R_TA-S,a,10", "line 2: quality '10' is no answer; write a grade from 1 to 5"),
    ],
)
def test_a_gold_file_that_is_not_sound_is_one_line(tmp_path: Path, gold: str, said: str) -> None:
    file = tmp_path / "gold.csv"
    file.write_text(f"task,pair,prompt,{'quality' if gold.endswith('10') else 'concerns_x'}\n{gold}\n", "utf-8")
    ran = review("export", prompts(tmp_path), "--out", tmp_path / "out", "--gold", file)
    assert str(ran.exception) == f"{file}: {said}"


def test_what_cannot_be_exported_is_said(place: Path, tmp_path: Path) -> None:
    def said(*arguments: object) -> str:
        return str(review("export", *arguments).exception)

    assert "another review, whose raters need this key, is in this folder" in said(
        tmp_path / "prompts.parquet", "--out", place, "--seed", 1
    )
    table, _ = reviewed.with_pictures(tmp_path)
    assert "there is no source picture" in said(table, "--out", tmp_path / "b", "--source", tmp_path / "none")
    assert "5,000 at most; take fewer with --sample" in said(prompts(tmp_path, 5001), "--out", tmp_path / "c", "--repeats", 0)
