"""`trig score`: rate one picture."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from trig import params
from trig.dimensions import ABOUT, Task, dimension
from trig.errors import PictureError, TrigError


def score(
    image: Annotated[Path, typer.Argument(help="A picture file.")],
    prompt: Annotated[str, typer.Option(help="The prompt it was made from.")],
    code: Annotated[str, typer.Option("--dimension", help="A dimension, such as TA-R.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="Pictures judged together; the file's judge.batch_size if not given.")
    ] = None,
) -> None:
    """Rates one picture on one dimension with the configured judge."""
    asked = dimension(code)
    settings = params.load()
    if not image.is_file():
        raise PictureError(f"{image}: there is no such file")
    from trig.backends.transformers import Transformers
    from trig.judge import labels, rate, rubric
    from trig.protocols import Question

    wanted = settings.judge
    judge = Transformers(wanted.name, settings.judges[wanted.name].weights, batch_size or wanted.batch_size)
    question = Question(image.read_bytes(), prompt, rubric(Task.T2I, asked, wanted.grades))
    (answer,) = judge.ask([question], labels(wanted.grades, judge.encode))
    rating = rate(answer, wanted.max_off_mass)
    if as_json:
        print(
            json.dumps(
                {
                    "image": str(image),
                    "prompt": prompt,
                    "dimension": asked.value,
                    "judge": f"{wanted.name}@{judge.revision}",
                    "grades": wanted.grades,
                    **asdict(rating),
                }
            )
        )
        return
    if rating.reason:
        raise TrigError(f"{image}: no score: {rating.reason}")
    shares = ", ".join(f"{grade} {share:.3f}" for grade, share in zip(wanted.grades, rating.p or (), strict=True))
    numbers = f"S {rating.expected:.4f}, C {rating.confidence:.4f}, C·S {rating.score_trig:.4f}"
    print(f"{asked} {ABOUT[asked].name}: {numbers} ({shares}; off-grade mass {rating.off_mass:.2g})")
