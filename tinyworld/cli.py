"""`trig tiny`: evaluation of the tiny world's models against ground truth."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

import polars as pl
import typer

from tinyworld import HELD_OUT
from trig import params
from trig.errors import ParamsError, TrigError
from trig.params import Params
from trig.protocols.generator import Picture
from trig.protocols.judge import Judge
from trig.protocols.refusal import Refusal
from trig.run.display import console, table
from trig.vocabulary.about import ABOUT
from trig.vocabulary.dimensions import Dimension, Task

app = typer.Typer(no_args_is_help=True, help="Measure the tiny world's models against the truth.")
Count = Annotated[int, typer.Option(min=4, help="Scenes per dimension.")]
AGAINST = "the truth of the tiny world, on scenes it never saw, half of them sent through the painter's autoencoder"
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def evaluate(
    count: Count = 200,
    task: Annotated[list[Task] | None, typer.Option(help="Tasks; all by default.")] = None,
    as_json: Json = False,
) -> None:
    """Judge agreement with ground truth per task and dimension (Spearman's rho) on held-out scenes, half of them autoencoder round trips.

    The blind control asks the same with the picture of another case.
    """
    from trig.backends import judges

    settings = params.load()
    judge = judges.load(settings)
    found = {each: _measured(settings, judge, each, count) for each in task or Task}
    if as_json:
        told = {"judge": f"{settings.judge.name}@{judge.revision}", "against": AGAINST}
        tasks = {each.value: {"dimensions": rows.to_dicts(), "mean": _mean(rows)} for each, rows in found.items()}
        print(json.dumps(told | tasks.get(Task.T2I.value, {}) | {"tasks": tasks}, indent=2))
        return
    figures = {"rho": "Spearman's rho", "rho_drawn": "drawings", "rho_round_trip": "round trips", "rho_blind": "blind"}
    for each, measured in found.items():
        title = f"{settings.judge.name} on {each.value} against the truth; mean {_number(_mean(measured))}"
        rows = [
            (_name(row), str(row["n"]), str(row["nulls"]), *(_number(row[name]) for name in figures))
            for row in measured.iter_rows(named=True)
        ]
        console().print(table(("dimension", "n", "nulls", *figures.values()), rows, title))


def _measured(settings: Params, judge: Judge, task: Task, count: int) -> pl.DataFrame:
    """Agreement of the judge with the truth of a task."""
    from tinyworld import evaluate as tiny
    from tinyworld.render import draw
    from trig.backends.painters.autoencoder import round_trip
    from trig.judge.rating import ratings
    from trig.judge.rubrics import rubrics
    from trig.protocols.judge import Question

    texts = rubrics(settings.judge.rubrics, task, settings.judge.scale.grades)
    asked = tiny.cases(count, task)
    pictures = [shown for _, _, shown in asked]
    pictures[1::2] = round_trip(pictures[1::2], settings.pipeline(settings.generate.roster[0]).weights)
    files = [tiny.png(shown) for shown in pictures]
    sources = [tiny.png(draw(case.source)) if case.source else None for _, case, _ in asked]

    def scores(shown: Sequence[bytes]) -> list[float | None]:
        questions = [
            Question(file, case.request.text, texts[dimension], source)
            for (dimension, case, _), file, source in zip(asked, shown, sources, strict=True)
        ]
        return [rating.expected for rating in ratings(judge, questions, settings.judge.scale, settings.judge.max_off_mass)]

    blind = scores([files[place] for place in tiny.shuffled(asked)])
    return tiny.agreement(asked, scores(files), [number % 2 == 1 for number in range(len(asked))], blind)


def _mean(rows: pl.DataFrame) -> float | None:
    return None if rows["rho"].null_count() else sum(rows["rho"]) / rows.height  # a missing rho is not 0


@app.command()
def bias(count: Count = 100, as_json: Json = False) -> None:
    """Is it the picture or the scorer? How far the judge's scores move when pixels change (saturation, contrast, brightness, sharpness) and the truth does not.

    Text-to-image scenes, each paired with itself; a star marks a 95 % interval that leaves 0 out.
    """
    from tinyworld import bias as pixels
    from tinyworld import evaluate as tiny
    from trig.backends import judges
    from trig.judge.rating import ratings
    from trig.judge.rubrics import rubrics
    from trig.protocols.judge import Question

    settings = params.load()
    judge, scale = judges.load(settings), settings.judge.scale
    texts = rubrics(settings.judge.rubrics, Task.T2I, scale.grades)
    asked = tiny.cases(count)

    def scores(shown: Sequence[tiny.Picture]) -> list[float | None]:
        questions = [
            Question(tiny.png(picture), case.request.text, texts[dimension])
            for (dimension, case, _), picture in zip(asked, shown, strict=True)
        ]
        return [rating.expected for rating in ratings(judge, questions, scale, settings.judge.max_off_mass)]

    drawn = [picture for *_, picture in asked]
    after = {how: scores([pixels.altered(picture, how) for picture in drawn]) for how in pixels.ALTERED}
    found = pixels.moved(asked, scores(drawn), after)
    if as_json:
        figures = pixels.measured(drawn)
        print(json.dumps({"judge": f"{settings.judge.name}@{judge.revision}", "changes": found.to_dicts(), "figures": figures}, indent=2))
        return
    wide = found.with_columns(told=pl.struct("change", "low", "high").map_elements(_change, pl.String)).pivot(
        "altered", index="dimension", values="told"
    )
    rows = [(_name(row), *(str(row[how]) for how in pixels.ALTERED)) for row in wide.iter_rows(named=True)]
    console().print(
        table(
            ("dimension", *pixels.ALTERED),
            rows,
            f"change of {settings.judge.name}'s scores; the truth stays; {found['nulls'].sum()} without a score",
        )
    )


def _change(told: Mapping[str, float | None]) -> str:
    change, low, high = (told[name] for name in ("change", "low", "high"))
    if change is None or low is None or high is None:
        return "–"
    return f"{change:+.3f}{'*' if low > 0 or high < 0 else ' '}"


@app.command()
def paint(
    sheet: Annotated[Path, typer.Option(help="Where the contact sheet goes.")] = Path("contact-sheet.png"),
    model: Annotated[str, typer.Option(help="A model of params.yaml.")] = "tiny",
    count: Annotated[int, typer.Option(min=4, max=HELD_OUT, help="Prompts.")] = 200,
    task: Annotated[
        Task, typer.Option(help="p2p and s2p: what was asked for and what should have stayed are also read one by one.")
    ] = Task.T2I,
    as_json: Json = False,
) -> None:
    """Paints held-out prompts, judges them, and draws a contact sheet of the first forty."""
    from tinyworld import painting
    from tinyworld.sheet import contact_sheet
    from trig.backends import judges, painters
    from trig.protocols.generator import Order

    settings = params.load()
    painter = painters.load(settings, model)
    judge = judges.load(settings)
    asked = painting.asked(count, task)
    orders = [Order(each.prompt, number, each.source) for number, each in enumerate(asked)]
    pictures = [_png(made) for start in range(0, count, 50) for made in painter.generate(orders[start : start + 50])]
    found = painting.judged(settings, judge, task, asked, pictures)
    contact_sheet(painting.shown(asked, pictures)[:40], sheet)
    if as_json:
        print(json.dumps({"model": model, "task": task.value, "prompts": count, "dimensions": found}, indent=2))
        return
    title = f"{model} on {count} prompts of {task.value}, judged by {settings.judge.name}; pictures in {sheet}"
    told = [(str(row["read"]) or _name(row), str(row["n"]), str(row["nulls"]), _number(row["mean_expected"])) for row in found]
    console().print(table(("dimension", "n", "nulls", "mean S"), told, title))


def _name(row: Mapping[str, Any]) -> str:
    return f"{row['dimension']} {ABOUT[Dimension(row['dimension'])].name}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


@app.command()
def sources(
    folder: Annotated[Path, typer.Argument(help="The folder of the shards; it is replaced.")],
    edits: Annotated[int, typer.Option(min=0, max=5_000, help="Pictures to edit.")] = 60,
    subjects: Annotated[int, typer.Option(min=0, max=120, help="Subjects.")] = 60,
    side: Annotated[int, typer.Option(min=32, max=1024, help="Pixels along a side: a multiple of 16.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="Another seed draws other pictures.")] = 0,
) -> None:
    """Draws pictures to edit and pictures of subjects, and writes them as shards of the sources table. Equal options give equal bytes."""
    from tinyworld.render import BLOCKS
    from tinyworld.sources import rendered
    from trig.tables.sources import replaceable, write

    if side % BLOCKS:
        raise ParamsError(f"--side: {side}: pixel art has {BLOCKS} blocks a side; take a multiple of {BLOCKS}")
    if not edits + subjects:
        raise ParamsError("--edits and --subjects are both 0: nothing would be drawn; ask for a picture")
    replaceable(folder)
    made = rendered(edits, subjects, side, seed)
    write(made, folder)
    print(f"{folder}: {edits} pictures to edit and {subjects} subjects, {sum(map(len, made['image'].struct.field('bytes'))):,} bytes")


def _png(made: Picture | Refusal) -> bytes:
    if isinstance(made, Refusal):
        raise TrigError(f"trig tiny paint: the painter gave no picture: {made.reason}; name another model")
    return made.file
