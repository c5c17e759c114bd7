"""What a tuned model has to show: verdicts, the second eye's scores, monitors, diversity, and the gate that keeps who chose from reporting."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from numpy.typing import NDArray
from PIL import Image

from trig import tables
from trig.errors import TableError
from trig.figures.plain import Plain
from trig.gates import expect, proof
from trig.gates.gx import look
from trig.generate.plan import plan
from trig.judge.album import Album
from trig.judge.run import Painted
from trig.proof.evidence import moved, read, spread
from trig.proof.seen import CANNOT_TELL, seen
from trig.proof.spread import asked, in_order, shown
from trig.proof.spread import spread as diversity
from trig.proof.verdicts import Verdict, of_change, together
from trig.protocols.eye import Look
from trig.protocols.generator import Order, Picture
from trig.protocols.refusal import Refusal
from trig.stats.drift import drift
from trig.tables import check
from trig.tables.figures import DIVERSITY
from trig.tables.lessons import LESSONS
from trig.tables.prompts import numbered, split
from trig.tables.scores import SCORES
from trig.tables.sources import Library
from trig.testing import factories
from trig.vocabulary.dimensions import Dimension
from trig.vocabulary.figures import Figure

PROMPTS = factories.prompts()
BETTER, SAME, WORSE, UNKNOWN = Verdict.IMPROVED, Verdict.UNCHANGED, Verdict.WORSENED, Verdict.UNCLEAR


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [(0.01, 0.05, BETTER), (-0.05, -0.01, WORSE), (-0.01, 0.05, UNKNOWN), (-0.01, 0.02, SAME), (0.005, 0.015, SAME), (None, None, UNKNOWN)],
)
def test_an_interval_decides(low: float | None, high: float | None, said: Verdict) -> None:
    assert of_change({"low": low, "high": high}, 0.02) is said


@pytest.mark.parametrize(
    ("judge", "eye", "said"),
    [
        (BETTER, BETTER, BETTER), (BETTER, UNKNOWN, UNKNOWN), (BETTER, None, UNKNOWN), (None, BETTER, BETTER), (BETTER, WORSE, UNKNOWN),
        (WORSE, UNKNOWN, WORSE), (UNKNOWN, WORSE, WORSE), (WORSE, SAME, WORSE), (WORSE, None, WORSE), (SAME, SAME, SAME), (SAME, UNKNOWN, UNKNOWN),
        (None, None, UNKNOWN), (SAME, None, SAME),
    ],
)  # fmt: skip
def test_who_chose_proves_nothing_good_alone_and_a_fall_needs_one(judge: Verdict | None, eye: Verdict | None, said: Verdict) -> None:
    assert together(judge, eye).verdict is said


class Bright:
    """Scores how bright a picture is; cannot tell content of prompts that ask for nothing red."""

    name, revision = "bright", "b1"
    dimensions: tuple[Dimension, ...] = (Dimension.REALISM, Dimension.CONTENT)

    def scores(self, looks: Sequence[Look]) -> list[Mapping[Dimension, float | None]]:
        found = [float(np.asarray(each.picture).mean()) / 255 for each in looks]
        return [
            {Dimension.REALISM: bright, Dimension.CONTENT: bright if "1" in each.prompt else None}
            for bright, each in zip(found, looks, strict=True)
        ]

    def of(self, pictures: Sequence[Image.Image]) -> NDArray[np.float64]:
        raise NotImplementedError

    def texts(self, texts: Sequence[str]) -> NDArray[np.float64]:
        raise NotImplementedError

    def similarity(self, looks: Sequence[Look]) -> NDArray[np.float64]:
        raise NotImplementedError


def test_the_eye_scores_every_picture_on_its_dimensions_and_says_why_not() -> None:
    images = factories.images(PROMPTS)
    lost = images.with_row_index().with_columns(
        image=pl.when(pl.col("index") == 0).then(None).otherwise(pl.col("image")),
        digest=pl.when(pl.col("index") == 0).then(None).otherwise(pl.col("digest")),
        reason=pl.when(pl.col("index") == 0).then(pl.lit("no picture")).otherwise(pl.col("reason")),
    )
    wanted = numbered(split(PROMPTS, "test"), 1)
    rows: list[pl.DataFrame] = []
    steps = list(seen(Painted(wanted, Library(), Album((lost.drop("index"),))), Bright(), "data/eye", rows))
    found = check(pl.concat(rows), SCORES, "eye")
    assert steps[-1] == (wanted.height, wanted.height)
    assert found.height == 2 * wanted.height and set(found["scorer"]) == {"data/eye"} and found["key"].n_unique() == found.height
    first = wanted.join(images.head(1).select("task", "data_id"), on=["task", "data_id"])["data_id"][0]
    assert set(found.filter(data_id=first)["reason"]) == {"no picture"}
    rest = found.filter(pl.col("data_id") != first)
    assert rest.filter(dimension="IQ-R")["expected"].null_count() == 0
    assert set(rest.filter(pl.col("expected").is_null())["reason"]) <= {CANNOT_TELL}


def test_drift_is_in_standard_deviations_of_what_was() -> None:
    before = np.array([0.1, 0.2, 0.3])
    assert drift(before, before + 0.2) == pytest.approx(2.0)
    assert drift(np.zeros(3), np.zeros(3)) == 0 and drift(np.zeros(3), np.full(3, 0.1)) == np.inf


def figures(model: str, dark: float) -> pl.DataFrame:
    rows = [
        {"model": model, "task": "t2i", "pair": "IQ-R_TA-C", "data_id": f"p{place}", "number": 0, "root": place, "key": f"{model}{place}"}
        | dict.fromkeys(Figure, place / 10)
        | {Figure.DARK: dark + place / 100}
        for place in range(6)
    ]
    return pl.DataFrame(rows)


def test_figures_are_paired_and_measured_in_their_own_spread() -> None:
    found = {row["figure"]: row for row in moved(pl.concat([figures("a", 0.1), figures("b", 0.3)]), "a", "b")}
    assert found["dark"]["change"] == pytest.approx(0.2) and found["dark"]["drift"] == pytest.approx(
        0.2 / np.std(np.arange(6) / 100, ddof=1)
    )
    assert found["saturation"]["change"] == 0 and found["saturation"]["n"] == 6
    assert moved(figures("a", 0.1), "a", "b") == []


def test_diversity_that_collapses_is_lost_above_one() -> None:
    def of(model: str, vendi: float) -> pl.DataFrame:
        rows = [
            {
                "model": model,
                "task": "t2i",
                "pair": "IQ-R_TA-C",
                "data_id": f"p{place}",
                "root": place,
                "key": f"{model}{place}",
                "vendi": vendi,
            }
            for place in range(4)
        ]
        return pl.DataFrame(rows)

    (found,) = spread(pl.concat([of("a", 3.0), of("b", 2.0)]), "a", "b")
    assert found["lost"] == pytest.approx(0.5) and found["change"] == -1


def test_evidence_is_read_as_it_was_written_and_its_lack_names_the_stage(tmp_path: Path) -> None:
    with pytest.raises(TableError, match=r"eye\.parquet: 'tuned' .*dvc repro proof@tuned"):
        read(tmp_path, "tuned", PROMPTS)
    measured = diversity(factories.images(PROMPTS, seeds=2, width=16, height=16), Plain(), 2, "tuned")
    tables.write(scores(), SCORES, tmp_path / "tuned/eye.parquet")
    tables.write(measured, DIVERSITY, tmp_path / "tuned/diversity.parquet")
    found = read(tmp_path, "tuned", PROMPTS)
    assert found.seen.drop("root").equals(scores()) and found.diversity.height == measured.height
    assert found.seen["root"].n_unique() == split(PROMPTS, "test").select("task", "data_id").n_unique()


class Named:
    """Never asked to paint."""

    revision, engine = "1", "named 1"

    def generate(self, orders: Sequence[Order]) -> list[Picture | Refusal]:
        raise AssertionError(orders)


def test_seeds_are_of_test_prompts_and_begin_with_the_rosters() -> None:
    found = asked(PROMPTS, 3, 2)
    assert found["number"].to_list().count(0) == 3 == found["number"].to_list().count(1)
    assert set(found["split"]) == {"test"}
    planned, roster = (
        plan(rows, Named(), 42, 2) for rows in (found, split(PROMPTS, "test").filter(pl.col("key").is_in(found["key"].implode())))
    )
    assert planned["seed"].n_unique() == found.height
    names = ("data_id", "number", "image_key")
    assert set(planned.select(names).rows()) == set(roster.select(names).rows())
    images = factories.images(PROMPTS, seeds=2, width=16, height=16)
    measured = check(diversity(images, Plain(), 2, "tuned"), DIVERSITY, "diversity")
    assert set(measured["model"]) == {"tuned"} and measured["vendi"].null_count() == 0


def test_pictures_of_the_roster_are_taken_and_only_other_seeds_are_painted(tmp_path: Path) -> None:
    wanted, images = asked(PROMPTS, 3, 2), factories.images(PROMPTS, seeds=2, width=16, height=16)
    first = images.filter(pl.col("number") == 0)
    there = shown(wanted, Library(tmp_path), Album([first.reverse()]))
    assert set(there["number"]) == {0} and there.height == 3
    missing = first.with_columns(image=pl.lit(None, images["image"].dtype), digest=pl.lit(None, pl.String), status=pl.lit("null"))
    assert shown(wanted, Library(tmp_path), Album([missing]))["image"].null_count() == 3
    whole, parted = (
        diversity(rows, Plain(), 2, "tuned") for rows in (in_order(wanted, images), in_order(wanted, images.filter(number=1), there))
    )
    assert whole.equals(parted) and whole["data_id"].to_list() == wanted.filter(number=0)["data_id"].to_list()


def lessons(**said: object) -> pl.DataFrame:
    train = split(PROMPTS, "train").head(2)
    rows = [
        dict.fromkeys(LESSONS.columns)
        | {"lesson": place, "place": 0, "scorer": "tiny", **dict(zip(("task", "pair", "data_id", "prompt"), row, strict=True)), **said}
        for place, row in enumerate(train.select("task", "pair", "data_id", "prompt").iter_rows())
    ]
    return pl.DataFrame(rows, schema=dict(LESSONS.columns))


def scores(scorer: str = "data/tiny/eye") -> pl.DataFrame:
    return factories.scores(PROMPTS).with_columns(scorer=pl.lit(scorer)).select(list(SCORES.columns))


def failing(views: list[expect.View]) -> set[str]:
    return {finding.says for finding in look(views) if not finding.met}


def test_the_gate_passes_an_honest_proof_and_notes_that_nobody_else_reports() -> None:
    views = proof.views(lessons(), PROMPTS, scores(), "tiny", ["data/tiny/judge"], 1.0)
    assert not failing(views) and not any(view.notes for view in views)
    alone = proof.views(lessons(), PROMPTS, scores().clear(), "tiny", [None], 1.0)
    assert not failing(alone) and "nobody but the judge" in alone[1].notes[0]


TEST = split(PROMPTS, "test")["prompt"][0]
APART = "no scorer that reports a tuned model chose its training pictures"


@pytest.mark.parametrize(
    ("rows", "scorer", "weights", "said"),
    [
        (
            lessons(prompt=TEST),
            "eye",
            [],
            {"every lesson is of a train prompt, word for word", "no prompt of a lesson is a test prompt, or nearly one"},
        ),
        (lessons(data_id="elsewhere"), "eye", [], {"every lesson is of a train prompt, word for word"}),
        (lessons(loser_prompt=TEST), "eye", [], {"no corrupted prompt of a lesson is a test prompt, or nearly one"}),
        (lessons(), "tiny", [], {APART}),
        (lessons(), "data/tiny/judge", ["data/tiny/judge"], {APART}),
        (lessons(scorer="tiny+eye"), "eye", [], {APART}),
    ],
)
def test_the_gate_refuses_what_was_held_out_and_who_chose(
    rows: pl.DataFrame, scorer: str, weights: list[str | None], said: set[str]
) -> None:
    assert failing(proof.views(rows, PROMPTS, scores(scorer), "tiny", weights, 1.0)) == said


def test_a_copy_of_a_test_prompt_in_other_words_is_nearly_one() -> None:
    long = "a red ball and a blue box to the left of a green tree in a wide meadow at noon"
    test = PROMPTS.with_columns(prompt=pl.when(pl.col("prompt") == TEST).then(pl.lit(long)).otherwise(pl.col("prompt")))
    assert "no prompt of a lesson is a test prompt, or nearly one" in failing(
        proof.views(lessons(prompt=long.replace("noon", "dusk")), test, scores(), "tiny", [], 0.7)
    )


def test_an_eye_score_that_is_no_share_fails() -> None:
    wrong = scores().with_columns(expected=pl.lit(1.5))
    assert "expected is in [0, 1]" in failing(proof.views(lessons(), PROMPTS, wrong, "tiny", [], 1.0))
