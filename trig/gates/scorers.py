"""Whatever selects or trains may not report: scorers of a tuned model's training pictures and of its report must differ."""

from collections.abc import Collection
from dataclasses import dataclass

from trig.errors import GateError
from trig.gates.result import SHOWN, Example, Finding


@dataclass(frozen=True, slots=True)
class Scorer:
    """Who gave scores: an entry of params.yaml or a name in words, and the hash of its weights and settings."""

    name: str
    revision: str

    def __str__(self) -> str:
        return f"{self.name}@{self.revision}"


def apart(chose: Collection[Scorer], reports: Collection[Scorer]) -> Finding:
    """Whether no scorer that reports has chosen or rewarded training pictures.

    Two are the same with one name, whatever its revision, or with one revision, whatever its name.
    """
    same = [(one, other) for one in reports for other in chose if one.name == other.name or one.revision == other.revision]
    return Finding(
        says="no scorer that reports a tuned model chose its training pictures",
        check="scorers_apart",
        rows="reporting scorers",
        looked_at=len(reports),
        failing=len({one for one, _ in same}),
        examples=tuple(Example(str(one), f"chose too, as {other}") for one, other in same[:SHOWN]),
    )


def demand_apart(model: str, chose: Collection[Scorer], reports: Collection[Scorer]) -> None:
    """Raises GateError where a scorer that reports a tuned model chose its training pictures, or nobody reports."""
    if not reports:
        raise GateError(f"{model}: no scorer reports it; name one that chose none of its training pictures")
    if not (found := apart(chose, reports)).met:
        raise GateError(f"{model}: {found.line()}; report with a scorer that chose none, such as a second eye")
