"""Training loop: a killed training resumes and ends with the weights of an undisturbed one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
import workplace
from lines import names
from torch import Tensor, nn

from tinyworld.instructions import Clause, Instruction, fulfil
from tinyworld.language import plain
from tinyworld.scene import Scene, Thing, arrange
from tinyworld.training import eye, painter
from tinyworld.training.loop import Course, rate, train
from tinyworld.training.pool import PARTS, autoencoder, build, part_labels
from tinyworld.training.reader import fit
from trig.backends.clip import Clip
from trig.errors import WeightsError

COURSE = Course(steps=12, batch=8, learning_rate=0.05, seed=1, warmup=3, save_every=4)


def _model() -> nn.Linear:
    torch.manual_seed(3)
    return nn.Linear(4, 1)


def _run(model: nn.Linear, checkpoint: Path, stop: int = 0, course: Course = COURSE) -> Tensor:
    def losses(step: int) -> dict[str, Tensor]:
        shown = torch.randn(8, 4, generator=torch.Generator().manual_seed(step))
        return {"squared": (model(shown)[:, 0] - shown.sum(1)).square().mean()}

    for step in train(model, course, losses, checkpoint):
        if step.number == stop:
            break
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def test_a_killed_training_ends_with_the_same_weights(tmp_path: Path) -> None:
    whole = _run(_model(), tmp_path / "whole.safetensors")
    _run(_model(), tmp_path / "killed.safetensors", stop=6)
    torch.manual_seed(99)  # the process's earlier random draws must not matter
    assert torch.equal(_run(_model(), tmp_path / "killed.safetensors"), whole)


@pytest.mark.parametrize("stop", [0, 3])
def test_after_training_the_process_computes_with_denormals_again(stop: int, tmp_path: Path) -> None:
    _run(_model(), tmp_path / "whole.safetensors", stop)
    least = np.nextafter(np.float64(0), np.float64(1))
    assert least * np.float64(1) > 0


@pytest.mark.parametrize(
    ("course", "why"),
    [
        (replace(COURSE, seed=2), ("seed, batch, rate or input",)),
        (replace(COURSE, steps=10), ("step 8", "12", "10", "keep 12")),
    ],
)
def test_a_checkpoint_of_another_course_is_refused(course: Course, why: tuple[str, ...], tmp_path: Path) -> None:
    _run(_model(), tmp_path / "killed.safetensors", stop=9)
    with pytest.raises(WeightsError, match=names(tmp_path / "killed.safetensors", *why, "delete")):
        _run(_model(), tmp_path / "killed.safetensors", course=course)


def test_steps_may_change_before_the_rate_falls(tmp_path: Path) -> None:
    longer = replace(COURSE, steps=20)
    _run(_model(), tmp_path / "killed.safetensors", stop=9)
    assert torch.equal(
        _run(_model(), tmp_path / "killed.safetensors", course=longer), _run(_model(), tmp_path / "whole.safetensors", course=longer)
    )


def test_the_rate_rises_stays_and_falls_to_zero() -> None:
    course = Course(steps=1000, batch=1, learning_rate=0.5, seed=1, warmup=100, decay=0.25)
    assert [rate(course, step) for step in (0, 99, 500, 750, 875, 1000)] == [0.005, 0.5, 0.5, 0.5, 0.25, 0.0]


def test_the_reader_learns_and_is_saved(tmp_path: Path) -> None:
    steps = list(fit(tmp_path / "reader", tmp_path, Course(steps=30, batch=16, learning_rate=2e-3, seed=1)))
    first, last = (sum(step.losses.values()) for step in (steps[0], steps[-1]))
    assert last < 0.8 * first
    assert (tmp_path / "reader" / "model.safetensors").stat().st_size > 1_000_000


def _parts(scenes: Sequence[Scene], clauses: Sequence[Clause] = ()) -> list[list[str]]:
    """Class names of each scene's things, in order, read at the cells of their centres."""
    labels = part_labels(scenes, clauses)
    return [
        [PARTS[found[int(thing.y * 16), int(thing.x * 16)] - 1] for thing in scene.things]
        for scene, found in zip(scenes, labels, strict=True)
    ]


@pytest.mark.parametrize(
    ("clause", "after", "before"),
    [
        (Clause("replace", want=plain("star", "red"), old=0), ["changes", "stays"], ["changes", "stays"]),
        (Clause("colour", "black", old=1), ["stays", "changes"], ["stays", "changes"]),
        (Clause("add", want=plain("star", "red"), old=0, relation="below"), ["changes", "beside", "stays"], ["beside", "stays"]),
        (Clause("style", "sketch"), ["stays", "stays"], ["stays", "stays"]),
    ],
)
def test_the_cells_of_an_edit_say_what_stays_and_what_changes(clause: Clause, after: list[str], before: list[str]) -> None:
    rng = np.random.default_rng(2)
    source = Scene("cartoon", "beach", arrange(rng, (Thing("box", "blue"), Thing("cup", "green")), "left"))
    scene = fulfil(rng, Instruction(source, (clause,)))
    assert _parts([scene, source], (clause,)) == [after, before]


def test_the_cells_of_a_prompt_alone_are_all_new() -> None:
    scene = Scene("cartoon", "beach", arrange(np.random.default_rng(2), (Thing("box", "blue"), Thing("cup", "green")), "left"))
    assert _parts([scene]) == [["changes", "changes"]]


@pytest.mark.filterwarnings("ignore:Mismatch dtype")  # torch, of RMSNorm under autocast
def test_a_painter_learns_more_of_edits_and_is_saved(tmp_path: Path) -> None:
    """It says what is in the source and in the picture, and what becomes of it, from the first steps on."""
    start, lessons = workplace.ROOT / "data/tiny/painter", tmp_path / "edit.safetensors"
    assert list(build(autoencoder(start / "vae"), lessons, "edit", 1, 5)) == [1]
    course = Course(steps=10, batch=16, learning_rate=5e-3, seed=1, warmup=2)
    steps = list(painter.fit(tmp_path / "painter", start, start / "vae", {lessons: 1}, tmp_path, course))
    assert all(set(step.losses) == {"edit", "things", "colours", "parts"} for step in steps)
    assert all(steps[-1].losses[name] < 0.8 * steps[0].losses[name] for name in ("things", "parts"))
    assert (tmp_path / "painter" / "model_index.json").exists()


def test_the_second_eye_learns_and_is_saved(tmp_path: Path) -> None:
    lessons = tmp_path / "lessons.safetensors"
    assert list(eye.lessons(autoencoder(workplace.ROOT / "data/tiny/painter/vae"), lessons, 256, 256, 5)) == [256, 512]
    steps = list(eye.fit(tmp_path / "eye", tmp_path, lessons, 256, Course(steps=12, batch=32, learning_rate=2e-3, seed=1, warmup=2)))
    first, last = (sum(step.losses.values()) for step in (steps[0], steps[-1]))
    assert last < 0.8 * first
    assert len(Clip(str(tmp_path / "eye")).dimensions) == 9
