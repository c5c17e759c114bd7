"""`trig annotate`: write the prompts through the pipeline; --dry-run estimates calls, tokens and cost of a language model."""

import json
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from trig import params
from trig.cli.costs import line, repro, sheet
from trig.errors import ParamsError
from trig.llm.cost import Plan
from trig.params import Params
from trig.params.annotators import AnnotatorModel
from trig.run.display import console
from trig.store import Store
from trig.vocabulary.dimensions import Task

KINDS = {"Written": "prompts", "Seen": "descriptions", "Shown": "phrases shown", "Recovered": "blind recovery"}
"""Kinds of questions by the shape of their answers."""
ALL = "all"
WORD, FORM = 2, 20
"""Estimated tokens of an answer: per word of a prompt, and besides."""
REPAIR = 300
"""Tokens of a request for a repair, without the answer it quotes."""


def annotate(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Ask nothing; say how much would be asked, and what it would cost.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures of a dry run as JSON.")] = False,
) -> None:
    """Writes the prompts with `dvc repro`; with --dry-run counts the questions, tokens and dollars before a prompt or a picture is sent."""
    from trig.annotate.imported import about

    settings = params.load()
    if not dry_run:
        repro(["annotate"], as_json)
    if about(Path(settings.annotate.material)).kind == "imported":
        raise ParamsError("--dry-run: annotate.material is an imported benchmark, whose prompts are taken as they are: nothing is asked")
    if (name := settings.annotate.annotator) is None:
        raise ParamsError("--dry-run: annotate.annotator is null, so prompts are combined from the material and nothing is asked")
    entry = settings.annotators[name]
    from trig.backends.annotators.openai import Served

    plans = _plans(settings, Served(name, entry).revision)
    cost = partial(Plan.usd, price=entry.price, answers=min(entry.longest, WORD * settings.annotate.max_tokens + FORM))
    from trig.annotate.run import ASKED

    most = _most(plans[ALL], entry, ASKED)
    if as_json:
        figures = {kind: each.figures(cost(each)) for kind, each in plans.items()}
        print(json.dumps({"annotator": name, **figures, "usd_at_most": most}, indent=2))
        return
    console().print(sheet("questions", [(kind, *line(each, cost(each))) for kind, each in plans.items()]))
    print(
        "Tokens are estimates. Phrases are asked about only where words cannot tell. What a check rejects is asked for again, and an answer may need\n"
        "a repair: neither is counted."
    )
    if most is None:
        print(f"Annotator {name} has no price: annotators.{name}.price.")
    else:
        print(
            f"At most {most:,.4f} US dollars, if every answer were {entry.longest:,} tokens long and needed a repair, and {ASKED} drafts"
            f" of every prompt were rejected."
        )


def _most(whole: Plan, entry: AnnotatorModel, rounds: int) -> float | None:
    """Upper bound in US dollars: every draft rejected in every round, every answer repaired once, all of them of the greatest length."""
    if entry.price is None:
        return None
    calls = len(whole.asked)
    prompt = 2 * whole.tokens + calls * (entry.longest + REPAIR)
    return rounds * (prompt * entry.price.prompt + 2 * calls * entry.longest * entry.price.completion) / 1e6


def _plans(settings: Params, revision: str) -> dict[str, Plan]:
    """The plan of each kind of question, and of all."""
    from trig.annotate import pictures
    from trig.annotate.material import material
    from trig.annotate.plan import errands, plan

    asked = settings.annotate
    sources = (pictures.given(Path(asked.sources)) if set(asked.tasks) - {Task.T2I} else pictures.NONE).rows
    sizes = {source: (width, height) for source, width, height in sources.select("source", "width", "height").iter_rows()}
    found = material(Path(asked.material), asked.allow_toxic)
    with Store.look() as store:
        questions = list(errands(found, sources, asked, settings.seed, revision, store))
        kinds = {kind: [each for each in questions if each.ask.shape.__name__ == shape] for shape, kind in KINDS.items()}
        return {kind: plan(some, revision, store, sizes.get) for kind, some in {**kinds, ALL: questions}.items() if some or kind == ALL}
