"""Pictures come from the prompt and the seed alone: not from the batch, the run, or where a run was stopped."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import factories
import numpy as np
import polars as pl
import pytest
from PIL import Image

from trig import generate, params, tables
from trig.backends.diffusers import Diffusers
from trig.errors import WeightsError
from trig.protocols import Order
from trig.store import Store

ORDERS = [
    Order("a red ball in a meadow", 1),
    Order("a pencil sketch of a blue tree", 2),
    Order("a nurse and a black bomb at night, lifelike", 3),
]


@pytest.fixture(scope="module")
def painter() -> Diffusers:
    return Diffusers("tiny", params.load().model("tiny").model_copy(update={"steps": 2}))


def pixels(picture: bytes) -> np.ndarray:
    return np.asarray(Image.open(BytesIO(picture)).convert("RGB")).astype(int)


def test_a_picture_does_not_depend_on_its_batch(painter: Diffusers) -> None:
    together = painter.generate(ORDERS)
    alone = [painter.generate([order])[0] for order in ORDERS]
    assert max(np.abs(pixels(one) - pixels(other)).max() for one, other in zip(together, alone, strict=True)) <= 2


def test_the_same_order_gives_the_same_bytes(painter: Diffusers) -> None:
    assert painter.generate(ORDERS) == painter.generate(ORDERS)


def test_another_seed_gives_another_picture(painter: Diffusers) -> None:
    one, other = painter.generate([Order("a red ball", 1), Order("a red ball", 2)])
    assert np.abs(pixels(one) - pixels(other)).mean() > 1


def test_a_source_image_changes_the_picture(painter: Diffusers) -> None:
    source = factories.png(1, 64, 64)
    plain, edited = painter.generate([ORDERS[0]])[0], painter.generate([Order(ORDERS[0].prompt, 1, source)])[0]
    assert pixels(edited).shape == (64, 64, 3)
    assert np.abs(pixels(plain) - pixels(edited)).mean() > 0.5


def test_the_revision_names_what_decides_a_picture() -> None:
    entry = params.load().model("tiny")
    one, same, other = (Diffusers("tiny", entry.model_copy(update={"steps": steps})).revision for steps in (2, 2, 3))
    assert one == same != other


def test_missing_weights_are_named() -> None:
    with pytest.raises(WeightsError, match=r"models\.x\.weights: data/nowhere: no safetensors"):
        Diffusers("x", params.load().model("tiny").model_copy(update={"weights": "data/nowhere"}))


class Counting:
    """Counts what a real generator is asked for."""

    def __init__(self, real: Diffusers) -> None:
        self.real, self.revision, self.orders = real, real.revision, list[Order]()

    def generate(self, orders: Sequence[Order]) -> list[bytes]:
        self.orders += orders
        return self.real.generate(orders)


def test_one_changed_prompt_costs_one_picture(painter: Diffusers, tmp_path: Path) -> None:
    prompts = tables.split(factories.prompts(), "test")
    counting = Counting(painter)
    with Store.open(tmp_path) as store:
        planned = generate.plan(prompts, painter.revision, 42)
        list(generate.paint(planned, counting, store, 4))
        assert len(counting.orders) == prompts["key"].n_unique()
        counting.orders.clear()
        changed = prompts.with_columns(
            key=pl.when(pl.col("data_id") == prompts["data_id"][0]).then(pl.lit("0" * 32)).otherwise("key"),
        )
        list(generate.paint(generate.plan(changed, painter.revision, 42), counting, store, 4))
        assert len(counting.orders) == 1
        shards = tmp_path / "images"
        generate.write(planned, "tiny", params.load().model("tiny"), store, shards)
        assert tables.read(shards, tables.IMAGES).height == prompts.height


def test_models_paint_a_prompt_from_the_same_seed() -> None:
    prompts = tables.split(factories.prompts(), "test")
    one, other = (generate.plan(prompts, revision, 42) for revision in ("a", "b"))
    assert (one["seed"] == other["seed"]).all()
    assert not (one["image_key"] == other["image_key"]).any()
    assert (generate.plan(prompts, "a", 43)["seed"] != one["seed"]).all()
