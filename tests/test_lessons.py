"""The table of lessons: what it says of each, that it is read as written, and that a trainer is given the same."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import get_args

import numpy as np
import polars as pl
import pytest
from judgements import PAIR, Row, asked, cloud, scored
from lines import names

from trig import params, tables
from trig.backends.painters.diffusers import Diffusers
from trig.backends.trainers.diffusers import Lora
from trig.errors import ParamsError
from trig.finetune import policies, table
from trig.finetune.lessons import search
from trig.finetune.points import Points, points
from trig.keys import content_key
from trig.params.finetune import GIVES, TAKES, Finetune, GradientName, LossName, PolicyName
from trig.tables import made
from trig.tables.lessons import LESSONS
from trig.tables.sources import Library
from trig.testing import factories

GRADED: Mapping[float, Sequence[float]] = {0.9: [0.0, 0.2, 0.8], 0.6: [0.2, 0.4, 0.4], 0.5: [0.3, 0.4, 0.3], 0.2: [0.8, 0.0, 0.2]}
ROWS: Sequence[Row] = [("a", 0, 0.9, 0.9), ("a", 1, 0.5, 0.9), ("a", 2, 0.5, 0.2), ("a", 3, 0.6, 0.6)]
TEACHABLE: list[tuple[PolicyName, LossName]] = [
    (policy, loss) for loss in get_args(LossName) for policy, forms in GIVES.items() if TAKES[loss] in forms
]


def settings(policy: PolicyName, loss: LossName | GradientName, **said: object) -> Finetune:
    whole = params.load().tuning("tiny-dtm")[1].model_dump() | {"min_gain": 0.05, "guard": None, "prompts": None}
    small = {"batch_size": 2, "rank": 2, "steps": 1, "candidates": 8}
    return Finetune.model_validate({**whole, **small, "policy": policy, "loss": loss, **said})


def shown(found: Points | pl.DataFrame) -> pl.DataFrame:
    """Pictures of points."""
    rows = found.rows if isinstance(found, Points) else found
    named = rows.select("task", "data_id", "number")
    files = [factories.png(place, 64, 64) for place in range(rows.height)]
    return named.with_columns(
        image=pl.Series([{"bytes": file} for file in files]),
        digest=pl.Series([content_key(file=file) for file in files]),
        seed=pl.Series(range(rows.height), dtype=pl.UInt64),
    )


def found(policy: PolicyName, loss: LossName | GradientName, **said: object) -> tuple[pl.DataFrame, Points, Finetune]:
    wanted = settings(policy, loss, **said)
    own = points(pl.concat([scored(ROWS, grades=GRADED)]), asked(ROWS), PAIR)
    return table.table(policies.load(policy)(own, wanted), own, shown(own), "tiny", wanted), own, wanted


def test_a_pair_says_who_won_by_how_much_how_surely_and_why() -> None:
    rows, own, _ = found("dominance", "dpo")
    row = rows.filter(number=0, loser_number=2).row(0, named=True)
    images = shown(own)["digest"]
    assert (row["digest"], row["loser_digest"], row["seed"], row["loser_seed"]) == (images[0], images[2], 0, 2)
    assert (row["x_change"], row["y_change"]) == (pytest.approx(0.4), pytest.approx(0.7))
    against_half = 0.8 * (0.3 + 0.4 + 0.15) + 0.2 * (0.3 + 0.2)
    against_fifth = 0.8 * (0.8 + 0.1) + 0.2 * 0.8
    assert row["preference"] == pytest.approx((against_half + against_fifth) / 2)
    assert (row["confidence"], row["agreement"], row["weight"]) == (0.25, 1.0, 1.0)
    assert row["reason"] == "IQ-R +0.400, TA-C +0.700: worse on neither"
    assert (row["policy"], row["scorer"], row["model"], row["loser_prompt"]) == ("dominance", "tiny", "tiny", None)


def test_a_pair_counts_by_confidence_agreement_and_the_dimensions_it_gains_on() -> None:
    rows, *_ = found("dominance", "dpo", weighted=True, dimension_weights={"IQ-R": 3.0, "TA-C": 0.5})
    by_pair = {(row["number"], row["loser_number"]): row["weight"] for row in rows.to_dicts()}
    assert by_pair[0, 1] == pytest.approx(0.25 * 3.0)  # gains on IQ-R only
    assert by_pair[0, 2] == pytest.approx(0.25 * (3.0 * 0.4 + 0.5 * 0.7) / 1.1)
    assert by_pair[1, 2] == pytest.approx(0.25 * 0.5)


def test_scorers_that_disagree_lower_the_agreement() -> None:
    wanted, rows = settings("dominance", "dpo", weighted=True), [("a", 0, 0.9, 0.9), ("a", 1, 0.5, 0.5)]
    other = cloud(rows, scored([("a", 0, 0.4, 0.8), ("a", 1, 0.5, 0.5)], "clip", sure=1.0))
    row = table.table(policies.load("dominance")(other, wanted), other, shown(other), "tiny", wanted).row(0, named=True)
    assert row["agreement"] == 0.75 and row["confidence"] == pytest.approx(0.75**2) and row["weight"] == pytest.approx(0.75**3)
    assert (row["scorer"], row["preference"]) == ("tiny+clip", 0.75)


def test_a_vote_against_the_mean_keeps_its_share_of_scorers_and_a_weight() -> None:
    against: list[Row] = [("a", 0, 0.5, 0.5), ("a", 1, 0.56, 0.56)]
    own, wanted = cloud([("a", 0, 0.9, 0.9), ("a", 1, 0.1, 0.1)], scored(against, "clip"), scored(against, "eye")), settings("vote", "dpo")
    row = table.table(policies.load("vote")(own, wanted), own, shown(own), "tiny", wanted).row(0, named=True)
    assert (row["number"], row["x_change"] < 0, row["agreement"], row["weight"]) == (1, True, pytest.approx(2 / 3), 1.0)


def test_a_list_has_a_row_per_picture_the_best_first_with_its_gain() -> None:
    rows, *_ = found("best_of_n", "rankdpo")
    assert rows["lesson"].to_list() == [0] * 4 and rows["place"].to_list() == [0, 1, 2, 3] and rows["number"].to_list() == [0, 1, 3, 2]
    gains = rows["gain"].to_list()
    assert gains == sorted(gains, reverse=True) and np.mean(gains) == pytest.approx(0.5)


def test_an_edit_is_as_good_as_others_of_its_own_source() -> None:
    """One text may be asked of two sources, of which one is easier."""
    own = cloud([("a", 0, 0.9, 0.9), ("a", 1, 0.8, 0.8), ("b", 0, 0.6, 0.6), ("b", 1, 0.5, 0.5)])
    alike = replace(own, rows=own.rows.with_columns(prompt=pl.lit("make it red")))
    kept = [choice.points for choice in policies.load("threshold")(alike, settings("threshold", "sft"))]
    assert kept == [choice.points for choice in policies.load("threshold")(own, settings("threshold", "sft"))] == [(0,), (2,)]


def test_a_picture_with_two_texts_names_the_corrupted_one() -> None:
    wanted = settings("corrupt", "tdpo")
    own = cloud([("a", 0, 0.9, 0.9), ("b", 0, 0.9, 0.9)])
    rows = table.table(policies.load("corrupt")(own, wanted), own, shown(own), "tiny", wanted)
    assert rows["loser_digest"].null_count() == 2 and (rows["loser_prompt"] != rows["prompt"]).all()
    lessons = table.lessons(rows, dict.fromkeys(rows["digest"], b"png"), wanted)
    assert lessons.members == [(0, 1), (2, 3)]
    assert [sample.prompt for sample in lessons.samples[:2]] == [rows["prompt"][0], rows["loser_prompt"][0]]


@pytest.mark.parametrize(("soft", "label"), [(False, 1.0), (True, None)])
def test_a_trainer_is_given_each_picture_once(soft: bool, label: float | None) -> None:
    rows, own, wanted = found("dominance", "dpo", soft_labels=soft)
    images = shown(own)
    files = dict(images.select("digest", pl.col("image").struct.field("bytes")).iter_rows())
    lessons = table.lessons(rows, files, wanted)
    assert len(lessons.samples) == 4 == len(set(lessons.samples))
    assert [[lessons.samples[place][1] for place in of] for of in lessons.members] == [
        [files[row["digest"]], files[row["loser_digest"]]] for row in rows.to_dicts()
    ]
    assert lessons.labels == ([label] * rows.height if label else rows["preference"].to_list())


def test_pictures_to_avoid_are_labelled_so() -> None:
    rows, own, wanted = found("best_of_n", "kto")
    lessons = table.lessons(rows, dict.fromkeys(shown(own)["digest"], b""), wanted)
    assert (lessons.labels, [len(of) for of in lessons.members]) == ([1.0, 0.0], [1, 1])


@pytest.mark.parametrize(("policy", "loss"), [*TEACHABLE, ("group", "flow-grpo")])
def test_lessons_are_read_as_written_and_name_what_made_them(policy: PolicyName, loss: LossName | GradientName, tmp_path: Path) -> None:
    rows, *_ = found(policy, loss)
    notes = made.Made(stage="finetune")
    tables.write(rows, LESSONS, tmp_path / "lessons.parquet", notes)
    assert tables.read(tmp_path / "lessons.parquet", LESSONS).equals(rows)
    note = made.noted(tmp_path / "lessons.parquet")
    assert note and (note.table, note.made) == ("lessons", notes)


@pytest.mark.parametrize(("policy", "loss"), TEACHABLE)
def test_an_adapter_learns_from_what_any_policy_gives(policy: PolicyName, loss: LossName) -> None:
    everything, prompts = params.load(), factories.prompts()
    wanted = settings(policy, loss, keep_above=0.4, max_gap=1.0, max_angle=80.0)

    def judged(candidates: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        places = zip(candidates["data_id"], candidates["number"], strict=True)
        return shown(candidates), scored(
            [(name, number, (0.5, 0.6, 0.9, 0.2)[number], (0.2, 0.6, 0.9, 0.5)[number]) for name, number in places]
        )

    (lesson,) = search("tiny", [[PAIR]], prompts, judged, wanted, Library())
    tuner = Lora(Diffusers("tiny", everything.pipeline("tiny")), wanted, 1)
    before = [weight.detach().clone() for weight in tuner.trainable()]
    (said,) = tuner.steps(lesson.lessons)
    assert np.isfinite(said)
    assert any((weight != old).any() for weight, old in zip(tuner.trainable(), before, strict=True))
    assert lesson.summary.startswith("IQ-R_TA-C: ") and lesson.enough


def test_a_pair_without_enough_lessons_names_the_policy_and_what_to_do() -> None:
    wanted = settings("dominance", "dpo", batch_size=16)

    def judged(candidates: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        return shown(candidates), scored([(name, number, 0.5, 0.5) for name, number in candidates.select("data_id", "number").iter_rows()])

    with pytest.raises(
        ParamsError, match=names("params.yaml: finetune.policy", "'dominance'", 16, 8, "IQ-R_TA-C", "min_gain", "candidates")
    ):
        list(search("tiny", [[PAIR]], factories.prompts(), judged, wanted, Library()))


def test_nothing_is_learnt_from_a_test_prompt() -> None:
    prompts = factories.prompts()
    seen: list[pl.DataFrame] = []

    def judged(candidates: pl.DataFrame, keep: list[pl.DataFrame]) -> tuple[pl.DataFrame, pl.DataFrame]:
        keep.append(candidates)
        return shown(candidates), scored([(name, number, 0.9, 0.9) for name, number in candidates.select("data_id", "number").iter_rows()])

    (lesson,) = search("tiny", [[PAIR]], prompts, partial(judged, keep=seen), settings("corrupt", "tdpo", keep_above=0.1), Library())
    told = {sample.prompt for sample in lesson.lessons.samples}
    assert not told & set(prompts.filter(split="test")["prompt"])
    assert set(seen[0]["split"]) == {"train"}
