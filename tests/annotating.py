"""Annotators behind servers of the tests, and questions to ask them."""

from collections import deque
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from trig.annotate import scribe
from trig.annotate.asked import Desk
from trig.annotate.benchmark import Benchmark, benchmark
from trig.annotate.draft import Draft
from trig.annotate.shapes import Seen
from trig.annotate.write import Brief
from trig.annotate.written import written
from trig.backends.annotators.openai import Served
from trig.params.annotate import Annotate
from trig.params.annotators import AnnotatorModel
from trig.protocols.annotator import Ask, Reply
from trig.protocols.refusal import Refusal
from trig.store import Store
from trig.vocabulary.dimensions import Pair, Task

ROOT = Path(__file__).parents[1]
MATERIAL, SOURCES = ROOT / "material/general", ROOT / "material/tiny/sources"
ENTRY: dict[str, Any] = {
    "provider": "custom",
    "model": "stub",
    "endpoints": None,
    "key": None,
    "temperature": None,
    "seed": None,
    "longest": 500,
    "concurrency": 16,
    "timeout": 5.0,
    "retries": 3,
    "price": None,
    "max_failures": 10,
    "max_unanswered": 0,
    "overrides": {},
}
SEEN = Seen(
    subject="a girl", other="a dog", place="on a beach", item="girl", description="A girl runs beside a dog.", fit=True, unfit_reason=None
)


def entry(address: str | None = None, **changed: Any) -> AnnotatorModel:
    """An entry of params.yaml, at an address."""
    return AnnotatorModel.model_validate({**ENTRY, **({"endpoints": [f"{address}/v1"]} if address else {}), **changed})


def annotator(address: str, **changed: Any) -> Served:
    """An annotator at an address."""
    return Served("x", entry(address, **changed))


def drafts(count: int, task: Task = Task.T2I, route: str = "refine", split: str = "test") -> list[Draft]:
    """Drafts of one subset, combined from a template."""
    pair = Pair.parse("TA-R_TA-S")
    source = None if task is Task.T2I else "5" * 32
    return [
        Draft(
            task,
            pair,
            split,
            slot,
            0,
            f"a template's words {slot}",
            ("beside", "an oil painting"),
            f"caption-{slot}",
            route,
            "of",
            source=source,
        )
        for slot in range(1, count + 1)
    ]


def brief(asked: Sequence[Draft]) -> Brief:
    """What the questions of these drafts say besides."""
    return Brief("en", 40, {draft.caption: f"a scene of {draft.caption}" for draft in asked}, {task: {"5" * 32: SEEN} for task in Task})


class Fake:
    """An annotator without a server: gives each question what `reply` makes of it."""

    name, revision = "fake", "r1"

    def __init__(self, reply: Any) -> None:
        self.reply, self.asked = reply, list[Ask]()

    def ask(self, asked: Any) -> Any:
        """The answers in reverse order."""
        found = list(asked)
        self.asked += found
        for place in reversed(range(len(found))):
            said = self.reply(found[place])
            yield place, said if isinstance(said, Refusal) else Reply(said, "model-1", None, 10, 5)


def consume(_: str, steps: Iterator[tuple[int, int]]) -> None:
    """Shows no progress."""
    deque(steps, 0)


def work(address: str, root: Path, count: int) -> list[tuple[Draft, Draft | Refusal]]:
    """Has so many drafts written by a server, with the store in a folder."""
    made = drafts(count)
    with Store.open(root) as store:
        return list(written(made, brief(made), Desk(annotator(address, concurrency=8), store, consume, 0, 0), "custom"))


def whole(model: Served, root: Path) -> Benchmark:
    """A prompt of each subset of all tasks, as the stage writes them, with the store in a folder."""
    given = {"material": str(MATERIAL), "sources": str(SOURCES), "tasks": ["t2i", "p2p", "s2p"], "profile": "even", "review": "none"}
    numbers = {"per_subset": 1, "train_per_subset": 0, "max_tokens": 80, "near_duplicate": 0.95, "annotator": "x", "allow_toxic": False}
    asked = Annotate.model_validate({**given, **numbers})
    settings: Any = SimpleNamespace(annotators={"x": model.entry}, annotate=asked)
    with Store.open(root) as store:
        hire = partial(scribe.hired, lambda: model, settings, store, consume)
        (root / "none").mkdir(exist_ok=True)
        return benchmark(MATERIAL, SOURCES, root / "none", asked, 42, hire, consume)
