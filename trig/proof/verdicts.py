"""Verdicts on a change of the mean, by one scorer and by two."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple


class Verdict(StrEnum):
    """What an interval says of a change."""

    IMPROVED = "improved"
    UNCHANGED = "unchanged"
    WORSENED = "worsened"
    UNCLEAR = "cannot tell"


class Both(NamedTuple):
    """Verdict of judge and second eye together."""

    verdict: Verdict
    why: str


def of_change(change: Mapping[str, Any], unchanged: float) -> Verdict:
    """By the 95 % interval: above 0 improved, below 0 worsened, within ± `unchanged` unchanged. Unchanged comes first: a small change may be sure."""
    low, high = change["low"], change["high"]
    if low is None or high is None:
        return Verdict.UNCLEAR
    if -unchanged <= low and high <= unchanged:
        return Verdict.UNCHANGED
    return Verdict.IMPROVED if low > 0 else Verdict.WORSENED if high < 0 else Verdict.UNCLEAR


def together(judge: Verdict | None, eye: Verdict | None) -> Both:
    """Improved where both say so; worsened where one does and the other does not contradict; else what both say, or that nobody can tell.

    The judge chose the pictures that were learnt from, so what it says alone counts only where it says that something is worse.
    """
    if judge is None and eye is None:
        return Both(Verdict.UNCLEAR, "nobody scored it")
    if judge is None or eye is None:
        said, by = (eye, "second eye") if judge is None else (judge, "judge")
        assert said is not None
        alone = f"by the {by} alone"
        return Both(Verdict.UNCLEAR, f"{said} {alone}") if said is Verdict.IMPROVED and eye is None else Both(said, alone)
    if judge is eye:
        return Both(judge, "both agree")
    pair = {judge, eye}
    if Verdict.WORSENED in pair:
        said = Verdict.UNCLEAR if Verdict.IMPROVED in pair else Verdict.WORSENED
        return Both(said, f"judge: {judge}; second eye: {eye}")
    return Both(Verdict.UNCLEAR, f"judge: {judge}; second eye: {eye}")
