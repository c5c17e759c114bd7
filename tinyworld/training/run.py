"""Training programs, one per step: `python -m tinyworld.training.run STEP`. Checkpoints lie beside the outputs under data/training."""

import time
from collections.abc import Iterator
from pathlib import Path
from shutil import copytree, rmtree
from typing import Annotated, Any

import typer
import yaml

from tinyworld.training.loop import Course, Step
from trig import params
from trig.judge.rubrics import rubrics
from trig.run.display import bar
from trig.run.edge import edge
from trig.vocabulary.dimensions import Dimension, Task

WORK = Path("data/training")
OUT = Path("data/tiny")
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, help=__doc__)


def _settings() -> dict[str, Any]:
    settings: dict[str, Any] = yaml.safe_load(Path("tinyworld/training/params.yaml").read_text(encoding="utf-8"))
    return settings


def _course(name: str) -> Course:
    settings = _settings()
    return Course(**{"seed": settings["seed"], **settings[name]})


def _show(name: str, steps: Iterator[Step]) -> None:
    """Progress bar, and mean losses every hundredth step to data/training/<name>.log."""
    WORK.mkdir(parents=True, exist_ok=True)
    seen: dict[str, list[float]] = {}

    def logged() -> Iterator[tuple[int, int]]:
        with (WORK / f"{name}.log").open("a", encoding="utf-8") as log:
            for step in steps:
                for part, value in step.losses.items():
                    seen.setdefault(part, []).append(value)
                if step.number % 100 == 0:
                    losses = " ".join(f"{part} {sum(values) / len(values):.4f}" for part, values in seen.items())
                    seen.clear()
                    log.write(f"{time.time():.0f} {step.number} {losses}\n")
                    log.flush()
                yield step.number, step.of

    bar(name, logged())


@app.command()
def vae() -> None:
    """Autoencoder of the painter."""
    from tinyworld.training import vae as trainer

    _show("vae", trainer.fit(WORK / "vae", WORK, _course("vae")))


@app.command()
def reader() -> None:
    """Pretrained T5 of the painter."""
    from tinyworld.training import reader as trainer

    _show("reader", trainer.fit(WORK / "reader", WORK, _course("reader")))


@app.command()
def lessons() -> None:
    """Training data of the painter."""
    from tinyworld.training import pool

    settings = _settings()
    autoencoder = pool.autoencoder(Path(settings["autoencoder"]))
    for task, chunks in settings["lessons"].items():
        bar(
            f"lessons {task}",
            ((done, chunks) for done in pool.build(autoencoder, WORK / f"lessons-{task}.safetensors", task, chunks, settings["seed"])),
        )


@app.command()
def pictures() -> None:
    """Pictures that the judge learns from."""
    from safetensors.torch import save_file

    from tinyworld.cases import shown_case
    from tinyworld.training import pool

    settings = _settings()
    autoencoder, seed, counts = pool.autoencoder(Path(settings["autoencoder"])), settings["seed"], settings["round_trips"]
    made = {
        task: pool.round_trips(autoencoder, [shown_case(seed, number, Task(task)) for number in range(count)], seed)
        for task, count in counts.items()
    }
    WORK.mkdir(parents=True, exist_ok=True)
    save_file(made, WORK / "round_trips.safetensors")


@app.command()
def painter() -> None:
    """Painter."""
    from tinyworld.training import painter as trainer

    settings = _settings()
    lessons = {WORK / f"lessons-{task}.safetensors": batches for task, batches in settings["painter_lessons"].items()}
    start, autoencoder = Path(settings["painter_start"]), Path(settings["autoencoder"])
    _show("painter", trainer.fit(WORK / "painter", start, autoencoder, lessons, WORK, _course("painter")))


@app.command()
def sight() -> None:
    """Vision tower of the judge."""
    from tinyworld.training import judge as whole
    from tinyworld.training import sight as trainer
    from tinyworld.training.processor import processor

    settings, grades = _settings(), params.load().judge.scale.grades
    reads = processor(rubrics("brief", Task.T2I, grades), grades, settings["seed"])
    tower = whole.tower(reads.tokenizer, settings["seed"])
    rest = (reads.image_processor, WORK / "round_trips.safetensors")
    _show("sight", trainer.fit(WORK / "tower.safetensors", WORK, tower, whole.WIDTH, *rest, _course("sight")))


@app.command()
def judge() -> None:
    """Judge."""
    from tinyworld.training import judge as trainer

    grades = params.load().judge.scale.grades
    settings, texts = _settings(), {task: rubrics("brief", task, grades) for task in Task}
    seen = WORK / "tower.safetensors", (WORK / "round_trips.safetensors", settings["seed"])
    shares = {Task(task): share for task, share in settings["judge_tasks"].items()}
    weights = {Task(task): {Dimension(code): by for code, by in of.items()} for task, of in settings["judge_weights"].items()}
    start = Path(settings["judge_start"]) if settings["judge_start"] else None
    syllabus = trainer.Syllabus(shares, weights)
    _show("judge", trainer.fit(WORK / "judge", WORK, texts, grades, *seen, _course("judge"), syllabus, start))


@app.command()
def eye_lessons() -> None:
    """Training data of the second eye."""
    from tinyworld.training import eye as trainer
    from tinyworld.training import pool

    settings = _settings()
    wanted, vae = settings["eye_lessons"], pool.autoencoder(Path(settings["autoencoder"]))
    total = wanted["drawn"] + wanted["shown"]
    bar("eye lessons", ((done, total) for done in trainer.lessons(vae, WORK / "eye-lessons.safetensors", **wanted)))


@app.command()
def eye() -> None:
    """Second eye."""
    from tinyworld.training import eye as trainer

    shown = _settings()["eye_lessons"]["shown"]
    _show("eye", trainer.fit(WORK / "eye", WORK, WORK / "eye-lessons.safetensors", shown, _course("eye")))


@app.command()
def publish(names: Annotated[list[str] | None, typer.Argument(help="Models; all by default.")] = None) -> None:
    """Copies the trained models to data/tiny.

    Their cards are written by hand from `trig tiny evaluate`, `trig tiny paint` and `python -m benchmarks eye`.
    """
    for name in names or ("painter", "judge", "eye"):
        rmtree(OUT / name, ignore_errors=True)
        copytree(WORK / name, OUT / name)


if __name__ == "__main__":
    with edge():
        app()
