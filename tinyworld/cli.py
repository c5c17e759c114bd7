"""`trig tiny`: evaluation of the tiny world's models against ground truth."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from tinyworld import HELD_OUT
from trig import params
from trig.errors import ParamsError, TrigError
from trig.protocols.generator import Picture
from trig.protocols.refusal import Refusal
from trig.run.display import console, table
from trig.vocabulary.about import ABOUT
from trig.vocabulary.dimensions import Dimension, Task

app = typer.Typer(no_args_is_help=True, help="Measure the tiny world's models against the truth.")
Count = Annotated[int, typer.Option(min=4, help="Scenes per dimension.")]
AGAINST = "the truth of the tiny world, on scenes it never saw, half of them sent through the painter's autoencoder"
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def evaluate(count: Count = 200, as_json: Json = False) -> None:
    """Judge agreement with ground truth per dimension (Spearman's rho) on held-out scenes, half of them autoencoder round trips."""
    from tinyworld import evaluate as tiny
    from trig.backends import judges
    from trig.backends.painters.autoencoder import round_trip
    from trig.judge.rating import ratings
    from trig.judge.rubrics import rubrics
    from trig.protocols.judge import Question

    settings = params.load()
    judge = judges.load(settings)
    texts = rubrics(settings.judge.rubrics, Task.T2I, settings.judge.scale.grades)
    asked = tiny.cases(count)
    through = [number % 2 == 1 for number in range(len(asked))]
    pictures = [shown for _, _, shown in asked]
    pictures[1::2] = round_trip(pictures[1::2], settings.pipeline(settings.generate.roster[0]).weights)
    questions = [
        Question(tiny.png(shown), case.request.text, texts[dimension]) for (dimension, case, _), shown in zip(asked, pictures, strict=True)
    ]
    rated = ratings(judge, questions, settings.judge.scale, settings.judge.max_off_mass)
    found = tiny.agreement(asked, [rating.expected for rating in rated], through)
    mean = None if found["rho"].null_count() else sum(found["rho"]) / found.height  # a missing rho is not 0
    if as_json:
        told = {"judge": f"{settings.judge.name}@{judge.revision}", "against": AGAINST, "dimensions": found.to_dicts(), "mean": mean}
        print(json.dumps(told, indent=2))
        return
    title = f"{settings.judge.name} against the truth; mean {_number(mean)}"
    rows = [
        (_name(row), str(row["n"]), str(row["nulls"]), *(_number(row[name]) for name in ("rho", "rho_drawn", "rho_round_trip")))
        for row in found.iter_rows(named=True)
    ]
    console().print(table(("dimension", "n", "nulls", "Spearman's rho", "drawings", "round trips"), rows, title))


@app.command()
def paint(
    sheet: Annotated[Path, typer.Option(help="Where the contact sheet goes.")] = Path("contact-sheet.png"),
    model: Annotated[str, typer.Option(help="A model of params.yaml.")] = "tiny",
    count: Annotated[int, typer.Option(min=4, max=HELD_OUT, help="Prompts.")] = 200,
    as_json: Json = False,
) -> None:
    """Paints held-out prompts, judges them, and draws a contact sheet of the first forty."""
    from tinyworld import evaluate as tiny
    from tinyworld.sheet import contact_sheet
    from trig.backends import judges, painters
    from trig.judge.rating import ratings
    from trig.judge.rubrics import rubrics
    from trig.protocols.generator import Order
    from trig.protocols.judge import Question

    settings = params.load()
    painter = painters.load(settings, model)
    judge = judges.load(settings)
    prompts = [request.text for request in tiny.plain_requests(count)]
    orders = [Order(prompt, number) for number, prompt in enumerate(prompts)]
    pictures = [_png(made) for start in range(0, count, 50) for made in painter.generate(orders[start : start + 50])]
    texts = rubrics(settings.judge.rubrics, Task.T2I, settings.judge.scale.grades)
    found: list[dict[str, Any]] = []
    for dimension in (Dimension.STYLE, Dimension.CONTENT, Dimension.RELATION):
        rows = [
            (picture, prompt)
            for picture, prompt, request in zip(pictures, prompts, tiny.plain_requests(count), strict=True)
            if dimension is not Dimension.RELATION or request.relation
        ]
        questions = [Question(picture, prompt, texts[dimension]) for picture, prompt in rows]
        scores = [rating.expected for rating in ratings(judge, questions, settings.judge.scale, settings.judge.max_off_mass)]
        known = [score for score in scores if score is not None]
        mean = sum(known) / len(known) if known else None
        found.append({"dimension": dimension.value, "n": len(scores), "nulls": len(scores) - len(known), "mean_expected": mean})
    contact_sheet(list(zip(prompts, pictures, strict=True))[:40], sheet)
    if as_json:
        print(json.dumps({"model": model, "prompts": count, "dimensions": found}, indent=2))
        return
    title = f"{model} on {count} plain prompts, judged by {settings.judge.name}; pictures in {sheet}"
    told = [(_name(row), str(row["n"]), str(row["nulls"]), _number(row["mean_expected"])) for row in found]
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
