"""Measured figure and its bar."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bar:
    """Row of the table."""

    what: str
    measured: str
    wanted: str
    met: bool


def at_least(what: str, measured: float | None, limit: float, unit: str = "") -> Bar:
    """Lower bound; a figure that could not be measured misses it."""
    return Bar(what, _figure(measured, unit), f"≥ {limit:g}{unit}", measured is not None and measured >= limit)


def at_most(what: str, measured: float, limit: float, unit: str = "") -> Bar:
    """Upper bound."""
    return Bar(what, _figure(measured, unit), f"≤ {limit:g}{unit}", measured <= limit)


def exactly(what: str, found: set[str], wanted: set[str]) -> Bar:
    """Exact set of names."""
    return Bar(what, ", ".join(sorted(found)) or "none", ", ".join(sorted(wanted)) or "none", found == wanted)


def _figure(measured: float | None, unit: str) -> str:
    if measured is None:
        return "–"
    if isinstance(measured, int):
        return f"{measured}{unit}"
    return f"{measured:.2e}{unit}" if 0 < abs(measured) < 1e-3 else f"{measured:.3g}{unit}"
