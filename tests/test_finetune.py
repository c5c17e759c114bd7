"""LoRA fine-tuning: only the adapter is trainable, it starts as the identity, and it learns from pictures good at both dimensions."""

import json
import os
import signal
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from judgements import cloud
from lines import names
from PIL import Image

from trig import generate, memory, params
from trig.backends.cards import TUNING
from trig.backends.executors.local import Local
from trig.backends.painters.diffusers import Diffusers
from trig.backends.trainers.diffusers import Lora
from trig.classify.relations import relations
from trig.errors import ParamsError, TableError
from trig.finetune import select, training
from trig.finetune.lessons import Lesson, PaintAndJudge, search
from trig.finetune.points import Points
from trig.finetune.policies import threshold
from trig.finetune.targets import DRAWN, ranking, target
from trig.finetune.training import LOOKS, LOSS, SAMPLES, teach
from trig.generate.plan import plan, seed_of
from trig.keys import content_key
from trig.params.finetune import Finetune
from trig.protocols.generator import Order, Picture
from trig.protocols.refusal import Refusal
from trig.protocols.tuner import Lessons, Sample
from trig.store import Store
from trig.tables.kinds import DIMENSION, TASK
from trig.tables.sources import SOURCES, Library, digest, write
from trig.testing import factories
from trig.vocabulary.dimensions import Pair, Task

ORDERS = [Order("a red ball in a meadow", 1), Order("a pencil sketch of a blue tree", 2)]


@pytest.fixture
def settings() -> Finetune:
    _, found = params.load().tuning("tiny-dtm")
    return found.model_copy(
        update={
            "steps": 3,
            "batch_size": 2,
            "rank": 4,
            "targets": "auto",
            "policy": "threshold",
            "min_gain": 0.05,
            "guard": None,
            "prompts": None,
        }
    )


def painter(adapter: str | None = None, **said: str) -> Diffusers:
    return Diffusers("tiny", params.load().pipeline("tiny").model_copy(update={"steps": 2, "adapter": adapter, **said}))


def samples() -> list[Sample]:
    return [Sample(order.prompt, factories.png(order.seed, 64, 64)) for order in ORDERS]


PAIRS = Lessons(
    [*samples(), Sample(ORDERS[0].prompt, factories.png(3, 64, 64))], [(0, 2), (2, 0)], [1.0, 0.75], [1.0, 0.5], [(0.0, 0.0)] * 2
)
TAUGHT = [("sft", Lessons.single(samples())), ("dpo", PAIRS)]


def lesson_of(given: Lessons, settings: Finetune) -> Lesson:
    """These lessons, as if they had been found."""
    rows = pl.DataFrame(
        [
            {"lesson": place, "data_id": given.samples[of[0]].prompt, "prompt": given.samples[of[0]].prompt, "good": True}
            for place, of in enumerate(given.members)
        ]
    )
    return Lesson("tiny", [Points(Pair.parse("IQ-R_TA-C"), pl.DataFrame(), [], [], 0, 0, frozenset())], rows, given, settings)


def test_before_the_first_step_the_adapted_model_is_its_base(settings: Finetune) -> None:
    base = painter()
    before = base.generate(ORDERS)
    Lora(base, settings, 1)
    assert base.generate(ORDERS) == before


@pytest.mark.parametrize(("loss", "given"), TAUGHT)
def test_only_the_adapter_learns(loss: str, given: Lessons, settings: Finetune) -> None:
    tuner = Lora(painter(), settings.model_copy(update={"loss": loss}), 1)
    learns = {name for name, weight in tuner.pipe.transformer.named_parameters() if weight.requires_grad}
    assert learns and all(".lora_A." in name or ".lora_B." in name for name in learns)
    assert len(tuner.trainable()) == len(learns)
    frozen = {name: weight.clone() for name, weight in tuner.pipe.transformer.named_parameters() if not weight.requires_grad}
    losses = list(tuner.steps(given))
    assert len(losses) == settings.steps and all(np.isfinite(losses))
    after = dict(tuner.pipe.transformer.named_parameters())
    assert all(torch.equal(weight, after[name]) for name, weight in frozen.items())


def test_a_saved_adapter_paints_as_the_trained_one_and_equal_runs_save_equal_bytes(settings: Finetune, tmp_path: Path) -> None:
    pictures, files = [], []
    for run in ("one", "other"):
        base = painter(dtype="float32")  # in bfloat16 a loaded adapter is rounded too
        tuner = Lora(base, settings.model_copy(update={"learning_rate": 0.01}), 1)
        list(tuner.steps(Lessons.single(samples())))
        tuner.save(tmp_path / run, {})
        pictures.append(base.generate(ORDERS))
        files.append((tmp_path / run / "pytorch_lora_weights.safetensors").read_bytes())
    assert files[0] == files[1]
    loaded = painter(str(tmp_path / "one"), dtype="float32")
    assert _gap(loaded.generate(ORDERS), pictures[0]) <= 1
    assert _gap(painter(dtype="float32").generate(ORDERS), pictures[0]) > 1
    assert loaded.revision != painter().revision


def _gap(one: Sequence[Picture | Refusal], other: Sequence[Picture | Refusal]) -> int:
    """Maximum pixel difference."""
    return int(max(np.abs(_pixels(a) - _pixels(b)).max() for a, b in zip(one, other, strict=True)))


def _pixels(made: Picture | Refusal) -> np.ndarray:
    assert isinstance(made, Picture)
    return np.asarray(Image.open(BytesIO(made.file))).astype(int)


def adapter(place: Path) -> bytes:
    return (place / "pytorch_lora_weights.safetensors").read_bytes()


class KilledError(Exception):
    """Simulates the end of the process."""


@pytest.mark.parametrize(("loss", "given"), TAUGHT)
def test_a_training_that_was_killed_goes_on_from_its_checkpoint_to_the_same_bytes(
    loss: str, given: Lessons, settings: Finetune, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0)  # after every step
    lesson = lesson_of(given, settings.model_copy(update={"steps": 6, "loss": loss}))
    taken: list[list[int]] = []

    def train(name: str, stop: int) -> None:
        seen: list[int] = []
        taken.append(seen)

        def show(_: str, steps: Iterator[tuple[int, int]]) -> None:
            for done, _total in steps:
                seen.append(done)
                if done == stop:
                    raise KilledError

        teach(Lora(painter(), lesson.settings, 1), lesson, tmp_path / name, tmp_path / f"{name}.curve", tmp_path / "checkpoints", show)

    train("whole", 99)
    with pytest.raises(KilledError):
        train("resumed", 4)
    assert not (tmp_path / "resumed").exists()
    train("resumed", 99)
    assert taken == [[0, 1, 2, 3, 4, 5, 6], [0, 1, 2, 3, 4], [4, 5, 6]]
    assert adapter(tmp_path / "whole") == adapter(tmp_path / "resumed")
    assert (tmp_path / "whole/tuning.json").read_bytes() == (tmp_path / "resumed/tuning.json").read_bytes()
    assert list((tmp_path / "checkpoints").iterdir()) == []


def test_a_training_that_was_interrupted_goes_on_from_the_step_it_was_at(settings: Finetune, tmp_path: Path) -> None:
    lesson = lesson_of(Lessons.single(samples()), settings.model_copy(update={"steps": 6}))
    taken: list[int] = []

    def train(name: str, stop: int) -> None:
        def show(_: str, steps: Iterator[tuple[int, int]]) -> None:
            for done, _total in steps:
                taken.append(done)
                if done == stop:
                    os.kill(os.getpid(), signal.SIGINT)  # mid-step, as far as the next run can tell

        teach(Lora(painter(), lesson.settings, 1), lesson, tmp_path / name, tmp_path / f"{name}.curve", tmp_path / "checkpoints", show)

    train("whole", 99)
    handler = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt):
        train("resumed", 2)
    assert signal.getsignal(signal.SIGINT) is handler
    train("resumed", 99)
    assert taken == [0, 1, 2, 3, 4, 5, 6, 0, 1, 2, 3, 4, 5, 6]
    assert adapter(tmp_path / "whole") == adapter(tmp_path / "resumed")
    drawn = [(tmp_path / f"{name}.curve{LOSS}").read_text("utf-8").splitlines() for name in ("whole", "resumed")]
    assert drawn[0] == drawn[1] and drawn[0][0] == "step\tloss" and len(drawn[0]) == 7


def test_a_training_that_diverges_leaves_the_adapter_that_was_there_and_no_checkpoint(
    settings: Finetune, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(training, "CHECKPOINT_SECONDS", -1.0)
    lesson = lesson_of(Lessons.single(samples()), settings.model_copy(update={"steps": 6}))
    tuner = Lora(painter(), lesson.settings, 1)
    for group in tuner.optimiser.param_groups:
        group["lr"] = 1e30
    (tmp_path / "lora").mkdir()
    (tmp_path / "lora" / "older").touch()
    with pytest.raises(ParamsError, match=names("params.yaml: finetune.learning_rate", lesson.settings.learning_rate, "diverges")):
        teach(tuner, lesson, tmp_path / "lora", tmp_path / "loss.tsv", tmp_path / "checkpoints", lambda _, steps: list(steps))
    assert [file.name for file in (tmp_path / "lora").iterdir()] == ["older"] and not list((tmp_path / "checkpoints").iterdir())


def test_a_damaged_checkpoint_is_no_beginning(settings: Finetune, tmp_path: Path) -> None:
    tuner = Lora(painter(), settings, 1)
    (tmp_path / "x.safetensors").write_bytes(b"torn")
    assert tuner.load_checkpoint(tmp_path / "x.safetensors") == []


def test_another_seed_setting_or_sample_is_another_training(settings: Finetune) -> None:
    base, given = painter(), Lessons.single(samples())
    keys = {
        Lora(base, settings, 1).key(given),
        *(Lora(painter(), *other).key(given) for other in ((settings, 2), (settings.model_copy(update={"steps": 4}), 1))),
        Lora(painter(), settings, 1).key(Lessons.single(samples()[:1])),
        Lora(painter(), settings, 1).key(replace(given, weights=[1.0, 0.5])),
    }
    assert len(keys) == 5 and Lora(painter(), settings, 1).key(given) in keys


@pytest.mark.parametrize("steps", [1, 4])
def test_training_that_diverges_stops_and_writes_no_adapter(steps: int, settings: Finetune, tmp_path: Path) -> None:
    """Weights are non-finite after one step, the loss only later."""
    ruinous = settings.model_copy(update={"learning_rate": 1e30 if steps == 4 else float("inf"), "steps": steps})
    lesson = lesson_of(Lessons.single(samples()), ruinous)
    with pytest.raises(ParamsError, match=names("params.yaml: finetune.learning_rate", ruinous.learning_rate, "diverges")):
        teach(Lora(painter(), ruinous, 1), lesson, tmp_path / "lora", tmp_path / "loss.tsv", tmp_path, lambda _, steps: list(steps))
    assert not list((tmp_path / "lora").glob("*.safetensors"))


def test_an_adapter_that_does_not_fit_into_memory_is_refused_before_it_is_made(settings: Finetune, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "there", lambda: 10**6)
    with pytest.raises(ParamsError, match=names("params.yaml: finetune.rank", "GB")):
        Lora(painter(), settings, 1)


def test_the_ranking_is_what_a_plain_loop_finds(settings: Finetune) -> None:
    scores = factories.scores(factories.prompts())
    for row in ranking(scores, settings).iter_rows(named=True):
        own = scores.filter(pl.col("pair") == row["pair"])
        points = [own.filter(pl.col("data_id") == name)["expected"].to_list() for name in own["data_id"].unique()]
        kept = [min(point) >= settings.keep_above and abs(point[0] - point[1]) <= settings.max_gap for point in points]
        assert row["lower"] == pytest.approx(np.mean([min(point) for point in points]))
        assert row["keep_share"] == pytest.approx(np.mean(kept))


def test_only_the_pairs_own_dimensions_count(settings: Finetune) -> None:
    scores = factories.scores(factories.prompts())
    other = scores.unique("data_id", keep="first", maintain_order=True).with_columns(
        dimension=pl.when(pl.col("pair").cast(pl.String).str.contains("R-T")).then(pl.lit("IQ-O")).otherwise(pl.lit("R-T")).cast(DIMENSION),
        expected=pl.lit(0.0),
    )
    own = other.filter(~pl.col("pair").cast(pl.String).str.contains("IQ-O"))
    for more in (pl.concat([scores, own]), pl.concat([own, scores])):
        assert ranking(more, settings).equals(ranking(scores, settings))


def test_targets_are_of_the_task_that_teaches(settings: Finetune) -> None:
    scores = factories.scores(factories.prompts())
    edits = scores.with_columns(task=pl.lit("p2p").cast(TASK), expected=pl.col("expected") / 2)
    both = pl.concat([scores, edits])
    assert ranking(both, settings).equals(ranking(scores, settings))
    taught = settings.model_copy(update={"task": Task.P2P})
    assert ranking(both, taught).equals(ranking(edits, taught)) and not ranking(both, taught).equals(ranking(both, settings))


def test_auto_prefers_what_can_be_repaired_and_proven_and_is_weak(settings: Finetune) -> None:
    scores = factories.scores(factories.prompts())
    wanted = settings.model_copy(update={"min_keep_share": 0.0, "map": settings.map.model_copy(update={"min_points": 1})})
    ranked = ranking(scores, wanted)
    kinds = dict(ranked.select("pair", "relation").iter_rows())

    def places(provable: frozenset[str] = frozenset()) -> list[tuple[bool, bool, int]]:
        found = target(scores, wanted, 1, "scores", provable)
        chosen = [str(pair) for (pair,) in found.choices]
        assert sorted(chosen) == sorted(ranked["pair"])
        order = ranked["pair"].to_list()
        return [(kinds[name] not in {"bottleneck", "tilt"}, not provable >= {*name.split("_")}, order.index(name)) for name in chosen]

    for provable in (frozenset[str](), frozenset({"IQ-R", "TA-C", "TA-S", "IQ-A"})):
        assert places(provable) == sorted(places(provable))
    with pytest.raises(TableError, match=names("scores", "50%", "finetune.keep_above", "finetune.min_keep_share")):
        target(scores, settings.model_copy(update={"keep_above": 1.0, "min_keep_share": 0.5}), 1, "scores")


def test_the_relation_of_a_target_is_that_of_the_map(settings: Finetune) -> None:
    scores = factories.scores(factories.prompts(per_subset=12))
    wanted = settings.model_copy(update={"map": settings.map.model_copy(update={"min_points": 10})})
    found = dict(ranking(scores, wanted).select("pair", "relation").iter_rows())
    assert found == dict(relations(scores, wanted.map.thresholds).select("pair", pl.col("relation").cast(pl.String)).iter_rows())


def test_named_targets_are_learnt_together_and_random_ones_drawn_by_the_seed(settings: Finetune) -> None:
    scores = factories.scores(factories.prompts())
    named = ["TA-R_D-K", "IQ-R_TA-C"]
    assert target(scores, settings.model_copy(update={"targets": named}), 1, "scores").choices == [[Pair.parse(name) for name in named]]
    drawn = settings.model_copy(update={"targets": "random", "min_keep_share": 0.0})
    once, again, other = (target(scores, drawn, seed, "scores").choices for seed in (1, 1, 2))
    assert once == again
    assert len(once[0]) == min(DRAWN, scores["pair"].n_unique())
    assert other != once or len(once[0]) == scores["pair"].n_unique()


def test_pairs_that_are_learnt_together_share_the_candidates(settings: Finetune) -> None:
    pairs, prompts = [Pair.parse("IQ-R_TA-C"), Pair.parse("TA-R_D-K")], factories.prompts()
    wanted = settings.model_copy(update={"batch_size": 2, "candidates": 5})
    (found,) = search("tiny", [pairs], prompts, judged({"IQ-R_TA-C": 3, "TA-R_D-K": 5}), wanted, Library())
    assert found.rows.group_by("pair", maintain_order=True).len().rows() == [("IQ-R_TA-C", 3), ("TA-R_D-K", 2)]
    assert found.rows["lesson"].to_list() == list(range(5))
    assert found.title == "IQ-R_TA-C, TA-R_D-K"
    assert found.about([1.0])["pairs"] == ["IQ-R_TA-C", "TA-R_D-K"]


def test_pairs_that_share_prompts_have_pictures_of_their_own(settings: Finetune) -> None:
    """The control draws four pairs, whose prompts are those of all that share a dimension with each."""
    pairs, prompts = [Pair.parse("IQ-R_TA-C"), Pair.parse("IQ-R_TA-S"), Pair.parse("TA-C_TA-S")], factories.prompts()
    wanted, seen = settings.model_copy(update={"batch_size": 2, "candidates": 12, "prompts": 6}), list[pl.DataFrame]()

    def judges(asked: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        seen.append(asked)
        return judged(dict.fromkeys(map(str, pairs), 12))(asked)

    (found,) = search("tiny", [pairs], prompts, judges, wanted, Library())
    (asked,) = seen
    assert asked.height == 12 == asked.select(select.CANDIDATE).n_unique() == asked["key"].n_unique()
    assert asked.group_by("pair", maintain_order=True).len()["len"].to_list() == [4, 4, 4] and asked["data_id"].n_unique() < 6
    assert {*asked.group_by("pair", "data_id").len()["len"]} == {2}, "each prompt has pictures to compare"
    assert {*found.rows["pair"]} == {*map(str, pairs)}


def test_candidates_repeat_train_prompts_with_seeds_of_their_own() -> None:
    prompts = factories.prompts()
    pair = Pair.parse("IQ-R_TA-C")
    found = select.candidates(prompts, pair, 5)
    assert found.height == 5 == found["key"].n_unique() == found.select(select.CANDIDATE).n_unique()
    assert found["number"].to_list() == [0, 0, 1, 1, 2] and set(found["data_id"]) == {"IQ-R_TA-C_5", "IQ-R_TA-C_6"}
    assert set(found["prompt"]) <= set(prompts.filter(pl.col("split") == "train")["prompt"])
    with pytest.raises(ParamsError, match=names("params.yaml", "annotate.train_per_subset", "D-K_R-B")):
        select.candidates(prompts, Pair.parse("D-K_R-B"), 5)


@pytest.mark.parametrize("wide", [None, 2])
def test_candidates_are_of_the_task_that_teaches(wide: int | None) -> None:
    prompts, pair = factories.prompts(), Pair.parse("IQ-R_TA-C")
    train = pl.col("split") == "train"
    one = pl.col("data_id") == "IQ-R_TA-C_5"
    mixed = prompts.with_columns(task=pl.when(train & ~one).then(pl.lit("p2p")).otherwise("task").cast(prompts.schema["task"]))
    assert set(select.candidates(mixed, pair, 4, wide)["data_id"]) == {"IQ-R_TA-C_5"}
    edits = select.candidates(mixed, pair, 4, wide, Task.P2P)
    assert set(edits["task"]) == {"p2p"} and "IQ-R_TA-C_5" not in set(edits["data_id"])
    with pytest.raises(ParamsError, match=names("params.yaml", "annotate.train_per_subset", pair, "t2i")):
        select.candidates(mixed.filter(~one), pair, 4, wide)


class Named:
    """Refuses all."""

    revision, engine = "1", "named 1"

    def generate(self, orders: Sequence[Order]) -> list[Picture | Refusal]:
        return [Refusal("no") for _ in orders]


def test_candidates_keep_their_number_and_the_key_that_it_gave_them(tmp_path: Path) -> None:
    """A key of another form would paint and judge every candidate anew, and train another adapter."""
    prompts = factories.prompts()
    asked = select.candidates(prompts, Pair.parse("IQ-R_TA-C"), 4)
    own = prompts.filter((pl.col("split") == "train") & (pl.col("pair") == "IQ-R_TA-C"))["key"]
    planned = plan(asked, Named(), 42)
    keys = [content_key(prompt=key, candidate=number) for number in (0, 1) for key in own]
    assert planned["seed"].to_list() == [seed_of(42, key) for key in keys]
    assert planned["image_key"].to_list() == [content_key(model="1", prompt=key, seed=seed_of(42, key)) for key in keys]
    images = generate.made(asked, Library(), "tiny", params.load(), Named(), Local(Named()), Store.open(tmp_path), "x", deque)
    assert images.select(select.CANDIDATE).equals(asked.select(select.CANDIDATE))


def test_kept_pictures_are_good_at_both_and_among_the_better_of_their_prompt(settings: Finetune) -> None:
    of_a = [("a", 0, 0.9, 0.8), ("a", 1, 0.6, 0.6), ("a", 2, 0.9, 0.9)]
    found = cloud([*of_a, ("b", 0, 0.9, 0.2), ("c", 0, 0.3, 0.3), ("d", 0, 0.6, 0.5), ("e", 0, None, 0.9)])
    kept = threshold.kept(found, settings.model_copy(update={"keep_above": 0.4, "max_gap": 0.3}))
    assert found.rows.select("data_id", "number").gather(kept).rows() == [("a", 0), ("a", 2), ("d", 0)]
    assert found.nulls == 1


def judged(good: dict[str, int]) -> PaintAndJudge:
    """Of each prompt's pair the first candidates are equally good at both dimensions; all others are bad."""

    def tables_of(asked: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        marks = asked.select(*select.CANDIDATE, "pair", mark=pl.Series([float(n < good[pair]) for n, pair in enumerate(asked["pair"])]))
        scores = marks.join(pl.DataFrame({"side": [0, 1]}), how="cross").with_columns(
            dimension=pl.col("pair").cast(pl.String).str.split("_").list.get(pl.col("side")),
            expected=0.1 + 0.9 * pl.col("mark"),
            scorer=pl.lit("tiny"),
            confidence=pl.lit(0.5),
            p=pl.lit(None, pl.List(pl.Float64)),
        )
        name = pl.format("{} {}", "data_id", "number")
        image = pl.struct(bytes=name.cast(pl.Binary))
        return asked.select(*select.CANDIDATE, image=image, digest=name, seed=pl.lit(1, pl.UInt64)), scores

    return tables_of


def test_an_edit_teaches_with_its_source(settings: Finetune, tmp_path: Path) -> None:
    pair, file = Pair.parse("IQ-R_TA-C"), factories.png(1, 64, 64)
    row = dict.fromkeys(SOURCES.columns) | {"source": digest(file), "image": {"bytes": file, "path": ""}, "width": 64, "height": 64}
    row |= {"subject": "a red ball", "tasks": ["p2p"], "origin": "drawn", "licence": "CC0-1.0"}
    write(pl.DataFrame([row], schema=dict(SOURCES.columns)), tmp_path / "sources")
    edits = factories.prompts().with_columns(task=pl.lit("p2p").cast(TASK), source=pl.lit(digest(file)))
    wanted = settings.model_copy(update={"batch_size": 2, "candidates": 4, "task": Task.P2P})
    (found,) = search("tiny", [[pair]], edits, judged({str(pair): 3}), wanted, Library(tmp_path / "sources"))
    assert len(found.lessons.samples) == 3 and {sample.source for sample in found.lessons.samples} == {file}
    other = factories.png(2, 64, 48)
    lower = {**row, "source": digest(other), "image": {"bytes": other, "path": ""}, "height": 48}
    write(pl.DataFrame([row, lower], schema=dict(SOURCES.columns)), tmp_path / "sources")
    mixed = edits.with_columns(source=pl.when(pl.col("data_id") == "IQ-R_TA-C_5").then(pl.lit(digest(other))).otherwise("source"))
    with pytest.raises(ParamsError, match=names("params.yaml", "finetune.task", "2 sizes", "64×48", "64×64", "annotate.sources")):
        list(search("tiny", [[pair]], mixed, judged({str(pair): 3}), wanted, Library(tmp_path / "sources")))
    with pytest.raises(TableError, match=f"{digest(file)}.*dvc pull"):
        list(search("tiny", [[pair]], edits, judged({str(pair): 3}), wanted, Library()))


def test_a_pair_without_enough_to_learn_from_gives_way_to_the_next(settings: Finetune) -> None:
    pairs, prompts = [Pair.parse("IQ-R_TA-C"), Pair.parse("TA-R_D-K"), Pair.parse("IQ-A_TA-S")], factories.prompts()
    wanted = settings.model_copy(update={"batch_size": 2, "candidates": 6})
    few = judged({"IQ-R_TA-C": 1, "TA-R_D-K": 2, "IQ-A_TA-S": 6})
    short, found = search("tiny", [[pair] for pair in pairs], prompts, few, wanted, Library())
    assert (short.pairs, short.summary) == (
        pairs[:1],
        "IQ-R_TA-C: 1 of 6 pictures pass (17%; published: IQ-R_TA-C 70%): too few for a batch of 2 pictures",
    )
    assert (found.pairs, found.summary) == (
        pairs[1:2],
        "TA-R_D-K: 2 of 6 pictures pass (33%; published: D-K_D-A 39%, IQ-R_TA-C 70%, TA-R_TA-S 48%)",
    )
    asked = select.candidates(prompts, pairs[1], 6).head(2)
    assert found.lessons.samples == [
        Sample(prompt, f"{name} {number}".encode()) for prompt, name, number in asked.select("prompt", "data_id", "number").rows()
    ]
    with pytest.raises(
        ParamsError, match=names("params.yaml: finetune", 7, 6, "IQ-R_TA-C, TA-R_D-K, IQ-A_TA-S", "keep_above", "max_gap", "candidates")
    ):
        list(search("tiny", [[pair] for pair in pairs], prompts, few, wanted.model_copy(update={"batch_size": 7}), Library()))


def test_an_adapter_is_written_with_what_it_learnt_from_in_place_of_an_older_one(settings: Finetune, tmp_path: Path) -> None:
    class Fake:
        def key(self, lessons: Lessons) -> str:
            return str(len(lessons.samples))

        def save_checkpoint(self, file: Path, losses: Sequence[float]) -> None:
            raise AssertionError(f"{file}: nothing was stopped after {losses}")

        def load_checkpoint(self, file: Path) -> list[float]:
            raise AssertionError(f"{file}: there is none")

        def steps(self, lessons: Lessons, done: int = 0) -> Iterator[float]:
            assert done == 0
            yield from (float(len(lessons.samples) - step) for step in range(settings.steps))

        def save(self, folder: Path, about: Mapping[str, object]) -> None:
            folder.mkdir()
            (folder / "adapter").touch()
            (folder / TUNING).write_text(json.dumps(about), "utf-8")

    lesson, shown = lesson_of(Lessons.single([Sample("a ball", b"")] * 5), settings), list[tuple[str, list[tuple[int, int]]]]()
    (tmp_path / "lora").mkdir()
    (tmp_path / "lora" / "older").touch()
    teach(Fake(), lesson, tmp_path / "lora", tmp_path / "curve", tmp_path, lambda title, steps: shown.append((title, list(steps))))
    assert {file.name for file in (tmp_path / "lora").iterdir()} == {"adapter", TUNING}
    assert json.loads((tmp_path / "lora" / "tuning.json").read_text("utf-8")) == {**lesson.about([5.0, 4.0, 3.0]), "steps": 3}
    assert (tmp_path / f"curve{LOSS}").read_text().splitlines()[0] == "step\tloss"
    assert not (tmp_path / f"curve{LOOKS}").read_bytes() and not (tmp_path / f"curve{SAMPLES}").read_bytes()  # nobody looked
    assert shown == [("train", [(0, 3), (1, 3), (2, 3), (3, 3)])]


def test_what_is_said_of_an_adapter_is_what_it_learnt_from(settings: Finetune) -> None:
    lesson = lesson_of(Lessons.single([Sample("a ball", b"1"), Sample("a ball", b"2"), Sample("a box", b"3")]), settings)
    said = lesson.about([4.0, 2.0, *[1.0] * 16, 0.5, 0.25])
    assert (said["pairs"], said["kept"], said["prompts"]) == (["IQ-R_TA-C"], 3, 2)
    assert (said["loss_first_tenth"], said["loss_last_tenth"]) == (3.0, 0.375)
    assert lesson.about([1.0, 2.0])["loss_last_tenth"] == 2.0
