"""Looks while an adapter learns: a planted reward hack is caught, the last good adapter is kept, and a killed training has the same looks."""

import json
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from trig import params
from trig.backends.painters.diffusers import Diffusers
from trig.backends.trainers.diffusers import Lora
from trig.backends.trainers.flow_grpo import Grpo
from trig.finetune import training
from trig.finetune.lessons import Lesson
from trig.finetune.points import Points
from trig.finetune.training import LOOKS, SAMPLES, teach
from trig.finetune.watch import Watch, asked
from trig.params.finetune import Finetune
from trig.pictures import pixels
from trig.protocols.generator import Generator, Order, Picture
from trig.protocols.refusal import Refusal
from trig.protocols.tuner import Group, Lessons, Sample
from trig.testing import factories
from trig.vocabulary.dimensions import Dimension, Pair
from trig.vocabulary.figures import Figure

PROMPTS = factories.prompts(train=3)
PAIR = Pair.parse("IQ-R_TA-C")
SIDE = 32
GIVEN = Lessons.single(
    [Sample(prompt, factories.png(place, 64, 64)) for place, prompt in enumerate(["a red ball in a meadow", "a blue tree"])]
)
Scores = dict[Dimension, float]


class Grey:
    """Paints grey pictures, as light as it is told; each picture a little different."""

    engine = "grey 1"

    def __init__(self, light: float, revision: str = "grey") -> None:
        self.light, self.revision = light, revision

    def generate(self, orders: Sequence[Order]) -> list[Picture | Refusal]:
        return [Picture(_grey(self.light + order.seed % 5 / 50)) for order in orders]


def _grey(light: float) -> bytes:
    out = BytesIO()
    Image.new("RGB", (8, 8), (round(255 * light),) * 3).save(out, "PNG")
    return out.getvalue()


def watch_of(base: Generator, levels: Sequence[Scores] = (), **said: float | None) -> Watch:
    """A watch whose looks have these scores, one after another."""
    settings = params.load().tuning("tiny-dtm")[1].watch.model_copy(update={"every": 1, "pictures": 6, **said})
    coming = iter(levels)

    def paint(wanted: pl.DataFrame, painter: Generator) -> tuple[pl.DataFrame, pl.DataFrame]:
        named = wanted.select("task", "data_id", "number")
        orders = [Order(prompt, place) for place, prompt in enumerate(wanted["prompt"])]
        files = [made.file for made in painter.generate(orders) if isinstance(made, Picture)]
        level = next(coming, {})
        rows = [
            {**row, "dimension": code.value, "expected": level.get(code, 0.5) + place / 1000}
            for place, row in enumerate(named.iter_rows(named=True))
            for code in Dimension
        ]
        return named.with_columns(image=pl.Series([{"bytes": file} for file in files])), pl.DataFrame(rows, schema_overrides=named.schema)

    return Watch(settings, PROMPTS, {PAIR.x, PAIR.y}, paint, base)


def test_it_looks_at_train_prompts_with_seeds_of_their_own() -> None:
    found = asked(PROMPTS, 4)
    assert found.height == 4 and set(found["split"]) == {"train"} and set(found["number"]) == {0}
    assert not set(found["key"]) & set(PROMPTS["key"]) and found["key"].n_unique() == 4
    assert asked(PROMPTS, 10_000).height == PROMPTS.filter(split="train").height


@pytest.mark.parametrize(("light", "moved"), [(0.52, False), (0.0, True), (0.95, True)])
def test_a_figure_that_runs_away_ends_the_training(light: float, moved: bool) -> None:
    base = Grey(0.5)
    watch = watch_of(base, max_drift=2.0)
    assert watch.look("a", 0).astray is None
    base.light = light
    found = watch.look("a", 1)
    assert (found.astray is not None) is moved
    if moved:
        assert (
            found.astray
            and found.astray.startswith("at step 1 ")
            and "standard deviations" in found.astray
            and "max_drift 2" in found.astray
        )


@pytest.mark.parametrize(("code", "level", "ends"), [("TA-S", 0.3, True), ("TA-S", 0.45, False), ("IQ-R", 0.1, False), ("D-K", 0.8, False)])
def test_a_dimension_that_falls_ends_the_training_unless_it_is_a_target_or_falls_little(code: str, level: float, ends: bool) -> None:
    watch = watch_of(Grey(0.5), [{}, {Dimension(code): level}], max_fall=0.1)
    watch.look("a", 0)
    found = watch.look("a", 1)
    assert (found.astray is not None) is ends
    if ends:
        assert found.astray and f"{code} has fallen by 0.200" in found.astray


def test_looks_are_kept_restored_and_forgotten(tmp_path: Path) -> None:
    watch = watch_of(Grey(0.5))
    for step in range(3):
        watch.look("a", step)
    watch.keep(tmp_path / "looks.parquet")
    again = watch_of(Grey(0.5))
    again.look("a", 0)
    assert again.restore(tmp_path / "looks.parquet")
    assert (again.looks, again.shown) == (watch.looks, watch.shown)
    assert (again.table(), again.sheet()) == (watch.table(), watch.sheet())
    again.forget(1)
    assert [look.step for look in again.looks] == [0, 1]
    (tmp_path / "looks.parquet").write_bytes(b"cut")
    assert not again.restore(tmp_path / "looks.parquet")


def lesson(settings: Finetune) -> Lesson:
    rows = pl.DataFrame(
        [{"lesson": place, "data_id": prompt, "prompt": prompt, "good": True} for place, (prompt, *_) in enumerate(GIVEN.samples)]
    )
    return Lesson("tiny", [Points(PAIR, pl.DataFrame(), [], [], 0, 0, frozenset())], rows, GIVEN, settings)


def settings(**said: object) -> Finetune:
    return params.load().tuning("tiny-dtm")[1].differing({"rank": 4, "batch_size": 2, **said})


def painter() -> Diffusers:
    return Diffusers(
        "tiny", params.load().pipeline("tiny").model_copy(update={"dtype": "float32", "width": SIDE, "height": SIDE, "steps": 3})
    )


class Dark:
    """Pays for darkness."""

    revision = "dark"

    def rewards(self, groups: Sequence[Group]) -> list[list[float | None]]:
        return [[None if file is None else 1 - float(np.asarray(pixels(file)).mean()) / 255 for file in files] for _, files in groups]


def test_a_reward_that_pays_for_darkness_is_stopped_and_the_adapter_before_it_is_kept(tmp_path: Path) -> None:
    gradient = {"prompts": 2, "group": 4, "sampler_steps": 3, "window": None, "kl": 0.0, "clip": 0.2, "updates": 2}
    wanted = settings(policy="group", loss="flow-grpo", gradient=gradient, steps=40, learning_rate=0.02, batch_size=8)
    base = painter()
    watch = watch_of(base, every=2, max_drift=0.5)
    teach(
        Grpo(base, wanted, 1, Dark()),
        lesson(wanted),
        tmp_path / "lora",
        tmp_path / "curve",
        tmp_path / "kept",
        lambda _, steps: list(steps),
        watch,
    )
    card = json.loads((tmp_path / "lora/tuning.json").read_text("utf-8"))
    assert watch.astray and "standard deviations" in watch.astray
    assert card["stopped"] == f"{watch.astray}; the adapter is that of step {card['steps']}"
    assert card["steps"] == watch.looks[-2].step < watch.looks[-1].step < 40
    dark = pl.read_csv(tmp_path / f"curve{LOOKS}", separator="\t")
    assert dark["step"].to_list() == [look.step for look in watch.looks] and Figure.DARK.value in dark.columns
    assert Image.open(BytesIO((tmp_path / f"curve{SAMPLES}").read_bytes())).size[1] == 128 * len(watch.looks)
    assert not any((tmp_path / "kept").glob("*"))


def test_a_training_that_was_killed_has_the_looks_of_one_that_was_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0)  # after every step
    wanted = settings(steps=5)

    def train(name: str, stop: int) -> Watch:
        def show(_: str, steps: Iterator[tuple[int, int]]) -> None:
            for done, _total in steps:
                if done == stop:
                    raise InterruptedError

        base = painter()
        watch = watch_of(base, every=2)
        place = tmp_path / name
        teach(Lora(base, wanted, 1), lesson(wanted), place / "lora", place / "curve", tmp_path / "kept", show, watch)
        return watch

    whole = train("whole", 99)
    with pytest.raises(InterruptedError):
        train("killed", 3)
    again = train("killed", 99)
    assert [look.step for look in again.looks] == [0, 2, 4] and again.looks == whole.looks
    for file in ("lora/pytorch_lora_weights.safetensors", "lora/tuning.json", f"curve{LOOKS}", f"curve{SAMPLES}"):
        assert (tmp_path / "whole" / file).read_bytes() == (tmp_path / "killed" / file).read_bytes()
