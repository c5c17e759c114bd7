"""Diversity: the law of the Vendi score, the weight-free features, and the tables and facts that are made of them."""

from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image
from polars.testing import assert_frame_equal

from trig import tables
from trig.classify.samples import rooted
from trig.figures.measured import measured
from trig.figures.plain import Plain
from trig.pictures import pixels
from trig.report import measures
from trig.stats.diversity import mean_distance, vendi
from trig.store import Store
from trig.tables.figures import DIVERSITY
from trig.tables.images import IMAGES
from trig.tables.sources import digest
from trig.testing import factories

COORDINATES = st.floats(0.01, 1)
SEVERAL = arrays(np.float64, st.tuples(st.integers(2, 6), st.integers(1, 5)), elements=COORDINATES)


def picture(colour: tuple[int, int, int], side: int = 32) -> bytes:
    file = BytesIO()
    Image.new("RGB", (side, side), colour).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("n", [1, 2, 4, 9])
def test_equal_pictures_are_one_and_orthogonal_ones_are_n(n: int) -> None:
    same, apart = np.tile(np.random.default_rng(0).random(12), (n, 1)), np.eye(n, 12) * np.arange(1, n + 1)[:, None]
    assert vendi(same) == pytest.approx(1, abs=1e-9)
    assert vendi(apart) == pytest.approx(n, abs=1e-9)
    if n > 1:
        assert mean_distance(same) == pytest.approx(0, abs=1e-9)
        assert mean_distance(apart) == pytest.approx(1, abs=1e-9)


@given(SEVERAL)
def test_the_score_is_the_entropy_of_the_kernel_s_eigenvalues(features: np.ndarray) -> None:
    unit = features / np.linalg.norm(features, axis=1, keepdims=True)
    shares = np.linalg.eigvalsh(unit @ unit.T / len(unit))
    shares = shares[shares > 1e-15]
    assert vendi(features) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), abs=1e-6)
    pairs = [1 - unit[a] @ unit[b] for a in range(len(unit)) for b in range(a)]
    assert mean_distance(features) == pytest.approx(np.mean(pairs), abs=1e-9)


@given(SEVERAL, st.randoms(use_true_random=False))
def test_order_length_and_copies_change_nothing(features: np.ndarray, random: st.DrawFn) -> None:
    order = random.sample(range(len(features)), len(features))  # type: ignore[attr-defined]
    assert vendi(features[order] * 3) == pytest.approx(vendi(features), abs=1e-9)
    assert vendi(np.repeat(features, 2, axis=0)) == pytest.approx(vendi(features), abs=1e-9)
    assert 1 - 1e-9 <= vendi(features) <= len(features) + 1e-9


def test_a_feature_without_a_direction_is_a_bug() -> None:
    with pytest.raises(ValueError, match="length 0"):
        vendi(np.zeros((2, 3)))


def test_features_have_length_1_and_are_of_their_picture_only() -> None:
    shown = [pixels(file) for file in (factories.png(1, 40, 30), picture((0, 0, 0)), picture((250, 10, 10)), factories.png(2, 1, 1))]
    found = Plain().of(shown)
    assert found.shape == (4, 256)
    assert np.linalg.norm(found, axis=1) == pytest.approx(1)
    assert np.array_equal(found[1:2], Plain().of(shown[1:2]))


def test_features_tell_colour_layout_and_direction() -> None:
    ramp = np.tile(np.linspace(0, 255, 32), (32, 1))
    across, down, back = (np.repeat(each[..., None], 3, axis=2).astype(np.uint8) for each in (ramp, ramp.T, ramp[:, ::-1]))
    reds = np.stack([ramp, ramp * 0, ramp * 0], axis=2).astype(np.uint8)
    first, *others = Plain().of([Image.fromarray(each) for each in (across, down, back, reds)])
    assert all(first @ other < 0.8 for other in others)


def shards(folder: Path, files: dict[str, list[bytes | None]]) -> pl.DataFrame:
    """One shard with these pictures of each prompt; None: the model gave none."""
    prompts = factories.prompts(train=0).filter(pl.col("data_id").is_in(list(files)))
    rows = factories.images(prompts, seeds=max(map(len, files.values())))
    made = [files[data_id][number] for data_id, number in rows.select("data_id", "number").iter_rows()]
    images = [None if file is None else {"bytes": file, "path": "x.png"} for file in made]
    missing = pl.Series([file is None for file in made])
    told = rows.with_columns(
        image=pl.Series(images, dtype=IMAGES.columns["image"]),
        digest=pl.Series([None if file is None else digest(file) for file in made]),
        status=pl.when(missing).then(pl.lit("null")).otherwise(pl.lit("ok")).cast(IMAGES.columns["status"]),
        reason=pl.when(missing).then(pl.lit("flagged")),
    )
    tables.write(told, IMAGES, folder / "tiny" / "all.parquet")
    return prompts


def test_each_prompt_has_its_diversity_or_a_reason(tmp_path: Path) -> None:
    same, other = factories.png(1, 16, 16), factories.png(2, 16, 16)
    names = [f"IQ-R_TA-C_{n}" for n in range(1, 5)]
    shards(tmp_path, dict(zip(names, [[same] * 3, [same, other, None], [same, None, None], [same, other, factories.png(3)]], strict=True)))
    found = measured(tmp_path / "tiny", 3, Plain(), Store.passing()).diversity
    alike, two, single, three = tables.check(found, DIVERSITY, "test").sort("data_id").iter_rows(named=True)
    assert (alike["vendi"], alike["distance"], alike["pictures"]) == (1, 0, 3)
    assert 1 < two["vendi"] < 2 and two["pictures"] == 2 and two["reason"] is None
    assert (single["vendi"], single["distance"], single["reason"]) == (None, None, "1 of 3 pictures: diversity takes 2")
    assert 1 < three["vendi"] < 3
    assert len({row["key"] for row in (alike, two, single, three)}) == 4


def test_with_one_picture_of_each_prompt_no_feature_is_computed(tmp_path: Path) -> None:
    class Never(Plain):
        def of(self, pictures: object) -> np.ndarray:  # noqa: ARG002 - as in the protocol
            raise AssertionError

    shards(tmp_path, {"IQ-R_TA-C_1": [factories.png(1)]})
    found = measured(tmp_path / "tiny", 1, Never(), Store.passing()).diversity
    assert found["reason"].to_list() == ["1 of 1 pictures: diversity takes 2"]


def spread(model: str, prompts: pl.DataFrame, level: float) -> pl.DataFrame:
    rows = prompts.with_row_index("place").select(
        model=pl.lit(model),
        task="task",
        pair="pair",
        data_id="data_id",
        pictures=pl.lit(4, pl.Int32),
        vendi=level + 0.01 * pl.col("place"),
        distance=pl.lit(0.1),
        features=pl.lit("colours"),
        reason=pl.lit(None, pl.String),
        key=pl.format("{}/{}", pl.lit(model), "data_id"),
    )
    return rooted(tables.check(rows, DIVERSITY, "test"), prompts)


def test_a_difference_is_paired_by_prompt() -> None:
    prompts = factories.prompts(train=0)
    both = pl.concat([spread("a", prompts, 2.0), spread("b", prompts, 1.5)])
    [gap] = measures.gaps(both, ("a", "b"))
    assert gap["vendi"] == pytest.approx(-0.5) and gap["vendi_low"] == pytest.approx(-0.5) and gap["n"] == prompts.height
    own = measures.diverse(both)
    assert own["vendi"].to_list() == pytest.approx([2.055, 1.555]) and (own["vendi_low"] < own["vendi"]).all()


def test_copies_of_a_prompt_add_no_certainty() -> None:
    prompts = factories.prompts(train=0)
    own = spread("a", prompts, 2.0)
    copied = pl.concat([own, own.with_columns(data_id=pl.col("data_id") + "copy")])
    assert_frame_equal(measures.diverse(copied), measures.diverse(own))
