"""The funnel of annotation: every draft is counted once, and the file keeps what it holds."""

import shutil
from pathlib import Path

import annotated
import polars as pl
import pytest

from trig.annotate.credits import credits_of, credits_of_imported
from trig.annotate.funnel import NO_KIND, WRITTEN, funnel
from trig.annotate.material import material
from trig.errors import TableError
from trig.tables import funnel as tables_funnel
from trig.tables.funnel import Coverage, Credit, Funnel, Subset, Words, evenness
from trig.text.words import words
from trig.vocabulary.dimensions import Dimension


def subset(found: Funnel, task: str, pair: str, split: str = "test") -> Subset:
    (one,) = (subset for subset in found.subsets if (subset.task, subset.pair, subset.split) == (task, pair, split))
    return one


def test_every_row_is_counted_once() -> None:
    found = annotated.counted()
    assert sum(one.accepted for one in found.subsets) == annotated.prompts().height
    assert sum(sum(one.rejected.values()) for one in found.subsets) == annotated.rejected().height
    for one in found.subsets:
        assert one.drafted == one.accepted - one.copied + sum(one.rejected.values())
        assert sum(one.kinds.values()) == sum(one.frames.values()) == one.accepted
    assert [(one.task, one.pair, one.split) for one in found.subsets] == [
        (task.value, str(pair), split) for task, pair, split in annotated.wanted()
    ]


def test_a_subset_says_what_it_lacks() -> None:
    found = annotated.counted()
    assert not subset(found, "t2i", "IQ-R_TA-S").exhausted
    short = subset(found, "t2i", "IQ-A_R-B")
    assert (short.wanted, short.accepted, short.exhausted) == (12, 9, True)
    none = subset(found, "t2i", "IQ-A_R-B", "train")
    assert (none.accepted, none.exhausted, none.words) == (0, True, None)


def test_copies_are_not_drafted() -> None:
    copied = subset(annotated.counted(), "p2p", "TA-C_TA-S")
    assert (copied.accepted, copied.copied) == (12, 12)
    assert copied.drafted == sum(copied.rejected.values())


def test_balance_and_coverage_equal_hand_counts() -> None:
    one = subset(annotated.counted(), "t2i", "IQ-R_TA-S")
    rows = annotated.prompts().filter(task="t2i", pair="IQ-R_TA-S", split="test")
    assert one.kinds == {"animals": 3, "city": 3, "food": 2, NO_KIND: 2, "people": 2}
    assert one.frames == {"style/of+beside": 6, "style/of+none": 6}
    assert one.phrases == {"IQ-R": Coverage(there=0, used=0, most=0, prompts=0), "TA-S": Coverage(there=5, used=4, most=3, prompts=12)}
    counts = sorted(len(words(prompt)) for prompt in rows["prompt"])
    assert one.words is not None and (one.words.least, one.words.most, one.words.mean) == (
        counts[0],
        counts[-1],
        round(sum(counts) / 12, 2),
    )
    assert one.words.median == (counts[5] + counts[6]) / 2
    assert subset(annotated.counted(), "t2i", "IQ-O_TA-R").frames[WRITTEN] == 4


def test_the_order_of_rows_does_not_matter() -> None:
    turned = funnel(
        annotated.prompts().reverse(),
        annotated.rejected().reverse(),
        annotated.wanted(),
        annotated.CAPTIONS,
        annotated.PHRASES,
        annotated.CREDITS,
    )
    assert turned == annotated.counted()


def test_a_subset_without_a_row_is_told() -> None:
    nothing: tuple[pl.DataFrame, pl.DataFrame] = (annotated.prompts().clear(), annotated.rejected().clear())
    found = funnel(*nothing, annotated.wanted(), {}, {})
    assert all((one.accepted, one.drafted, one.exhausted) == (0, 0, True) for one in found.subsets)


def test_one_prompt_has_words() -> None:
    found = funnel(annotated.prompts().head(1), annotated.rejected().clear(), annotated.wanted(), {}, {})
    assert found.subsets[0].words == Words(least=17, low=17, median=17, high=17, most=17, mean=17)


def test_the_file_keeps_it_and_is_the_same_each_time(tmp_path: Path) -> None:
    for name in ("one.json", "other.json"):
        tables_funnel.write(annotated.counted(), tmp_path / name)
    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "other.json").read_bytes()
    assert tables_funnel.read(tmp_path / "one.json") == annotated.counted()
    told = Funnel(subsets=(), credits=(Credit(of="captions", licence="CC <0>", origin="a\nb", entries=2, prompts=9),))
    tables_funnel.write(told, tmp_path / "told.json")
    assert tables_funnel.read(tmp_path / "told.json") == told
    tables_funnel.write(Funnel(subsets=()), tmp_path / "empty.json")
    assert tables_funnel.read(tmp_path / "empty.json") == Funnel(subsets=())


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "JSON"), ("[]", "object"), ('{"subsets": [{}]}', "subsets.0."), ('{"subsets": [], "more": 1}', "more"), ("\xff", "JSON")],
)
def test_another_file_is_named_in_one_line(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "annotate.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(TableError, match=says) as raised:
        tables_funnel.read(path)
    assert "annotate.json" in str(raised.value) and "\n" not in str(raised.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TableError, match="missing"):
        tables_funnel.read(tmp_path / "annotate.json")


def test_evenness_is_one_where_all_are_equal() -> None:
    assert evenness({"a": 3, "b": 3, "c": 3}) == pytest.approx(1)
    assert evenness({"a": 9, "b": 0}) == 0
    assert evenness({"a": 3, "b": 1}) == pytest.approx(0.811278, abs=1e-6)
    assert evenness({"a": 3}) is None and evenness({}) is None and evenness({"a": 0, "b": 0}) is None


def test_captions_and_phrases_are_credited_to_whom_they_are_from(tmp_path: Path) -> None:
    shutil.copytree("material/tiny", tmp_path / "own")
    (tmp_path / "own/captions.yaml").write_text(
        "a: {subject: a ball, other: a box, licence: CC0, origin: hers}\nb: {subject: a car, other: a box}\nc: {subject: a cat, other: a box}\n"
    )
    path = tmp_path / "own/sub_prompts.yaml"
    path.write_text(path.read_text().replace("above: above", "above: {text: above, edit: on top of, licence: MIT}", 1))
    whole = material(tmp_path / "own", False)
    below = next(phrase.text for phrase in whole.phrases[Dimension.RELATION] if phrase.id != "above")

    def row(task: str, caption: str, *phrases: str, pair: str = "TA-R_R-B") -> dict[str, object]:
        return {"task": task, "pair": pair, "caption": caption, "sub_prompts": list(phrases)}

    rows = [
        row("t2i", "a", "above", ""),
        row("t2i", "b", below, "no phrase of the material"),
        row("s2p", "b", "", ""),
        row("p2p", "a", "on top of", ""),
        row("p2p", "absent", "above", ""),  # an edit takes the other wording
        row("t2i", "a", "", "above", pair="IQ-R_TA-R"),
    ]
    ours = ("Apache-2.0", "written for this project")
    assert [(one.of, one.licence, one.origin, one.entries, one.prompts) for one in credits_of(pl.DataFrame(rows), whole)] == [
        ("captions", *ours, 1, 2),
        ("captions", "CC0", "hers", 1, 3),
        ("phrases", *ours, 1, 1),
        ("phrases", "MIT", ours[1], 1, 3),
    ]
    assert credits_of(pl.DataFrame(rows).clear(), whole) == ()


def test_an_import_is_credited_as_a_whole() -> None:
    (one,) = credits_of_imported(annotated.prompts(), "CC BY 4.0", "theirs")
    assert one == Credit(
        of="prompts", licence="CC BY 4.0", origin="theirs", entries=annotated.prompts().height, prompts=annotated.prompts().height
    )
