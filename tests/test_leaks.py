"""What train and test prompts share, each leak planted by itself; and copies that are none."""

from collections.abc import Mapping

import annotated
import polars as pl
import pytest

from trig.gates.leaks import changed_copies, leaks, notes
from trig.tables.funnel import Funnel

CLEAN = annotated.prompts()
CHOSEN = (pl.col("task") == "t2i") & (pl.col("data_id") == "IQ-R_TA-S_13")
"""A train prompt."""


def changed(values: Mapping[str, str], where: pl.Expr = CHOSEN) -> pl.DataFrame:
    """The table with some values of a row changed."""
    return CLEAN.with_columns(pl.when(where).then(pl.lit(value)).otherwise(pl.col(name)).alias(name) for name, value in values.items())


def of(task: str, data_id: str, column: str) -> str:
    return str(CLEAN.filter(pl.col("task") == task, pl.col("data_id") == data_id)[column].item())


def test_a_clean_split_leaks_nothing() -> None:
    assert leaks(CLEAN, 0.9).is_empty() and changed_copies(CLEAN).is_empty()


def test_tables_without_a_split_leak_nothing() -> None:
    for part in (CLEAN.clear(), CLEAN.filter(pl.col("split") == "test"), CLEAN.filter(pl.col("split") == "train")):
        assert leaks(part, 0.9).is_empty()


@pytest.mark.parametrize(
    ("values", "shares", "found"),
    [
        ({"caption": "grey-cat"}, "caption", "grey-cat"),
        ({"source": of("p2p", "IQ-R_TA-S_1", "source")}, "source", of("p2p", "IQ-R_TA-S_1", "source")),
        ({"prompt": of("t2i", "IQ-R_TA-S_1", "prompt").upper() + "!"}, "near-duplicate", "IQ-R_TA-S_1"),
        ({"parent": "IQ-R_TA-S_1"}, "ancestor", "IQ-R_TA-S_1"),
        ({"parent": "TA-C_TA-S_1"}, "ancestor", "TA-C_TA-S_1"),
    ],
)
def test_a_planted_leak_is_found(values: dict[str, str], shares: str, found: str) -> None:
    assert ("t2i", "IQ-R_TA-S_13", "train", shares, found) in leaks(changed(values), 0.9).rows()
    assert set(leaks(changed(values), 0.9)["shares"]) == {shares}


def test_a_parent_that_is_no_row_is_shared_too() -> None:
    both = (pl.col("task") == "t2i") & pl.col("data_id").is_in(["IQ-R_TA-S_13", "IQ-O_TA-R_2"])
    assert leaks(changed({"parent": "photo 7"}, both), 0.9).rows() == [
        ("t2i", "IQ-R_TA-S_13", "train", "ancestor", "photo 7"),
        ("t2i", "TA-C_TA-S_13", "train", "ancestor", "photo 7"),  # its copy
    ]


def test_a_grandparent_is_an_ancestor() -> None:
    """A train prompt whose parent is a copy in the train split of what a test prompt came from."""
    frame = CLEAN.with_columns(
        parent=pl.when(CHOSEN).then(pl.lit("TA-C_TA-S_14")).when(pl.col("data_id") == "IQ-R_TA-S_14").then(pl.lit("photo 7"))
        .when(pl.col("data_id") == "IQ-O_TA-R_3").then(pl.lit("photo 7")).otherwise(pl.col("parent"))
    )  # fmt: skip
    found = leaks(frame.filter(pl.col("task") == "t2i"), 0.9)
    assert set(found["data_id"]) == {"IQ-R_TA-S_13", "TA-C_TA-S_13", "IQ-R_TA-S_14", "TA-C_TA-S_14"} and set(found["with"]) == {"photo 7"}


def test_a_line_that_returns_to_itself_ends() -> None:
    assert leaks(changed({"parent": "IQ-R_TA-S_13"}), 0.9).is_empty()


def test_the_same_number_in_both_splits_is_no_ancestor() -> None:
    renamed = CLEAN.filter(pl.col("route") != "copy").with_columns(pl.col("data_id").str.replace("_13$", "_1"))
    assert leaks(renamed, 0.9).is_empty()


def test_near_duplicates_begin_at_the_threshold() -> None:
    text = of("t2i", "IQ-R_TA-S_1", "prompt").replace(" it", " so")
    assert leaks(changed({"prompt": text}), 0.9).is_empty()  # 14 grams of 16
    assert leaks(changed({"prompt": text}), 0.85).height == 1


def test_the_same_edit_of_another_picture_is_a_near_duplicate_all_the_same() -> None:
    place = (pl.col("task") == "p2p") & (pl.col("data_id") == "IQ-R_TA-S_13")
    assert leaks(changed({"prompt": of("p2p", "IQ-R_TA-S_1", "prompt")}, place), 0.9)["shares"].to_list() == ["near-duplicate"]


@pytest.mark.parametrize(
    ("values", "differs"),
    [
        ({"prompt": "another"}, "prompt"),
        ({"caption": "another", "key": "another"}, "caption, key"),
        ({"item": "another"}, "item"),
        ({"source": "another"}, "source"),
        ({"parent": "IQ-R_TA-S_99"}, "there is no such parent"),
    ],
)
def test_a_copy_that_differs_is_found(values: dict[str, str], differs: str) -> None:
    place = (pl.col("task") == "t2i") & (pl.col("data_id") == "TA-C_TA-S_2")
    (row,) = changed_copies(changed(values, place)).rows(named=True)
    assert (row["data_id"], row["differs"]) == ("TA-C_TA-S_2", differs)


def test_exhausted_subsets_are_a_note() -> None:
    (note,) = notes(annotated.counted())
    assert "6: t2i IQ-A_R-B test: 9 of 12; t2i IQ-A_R-B train: 0 of 4" in note and note.endswith("; and 1 more")
    assert list(notes(Funnel(subsets=()))) == []
