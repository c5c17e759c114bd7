"""Curves: a model of `models` with one knob turned, a number such as guidance_scale, or call.NAME for an argument of its pipeline."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from trig.params.models import Model

CALL = "call."


@dataclass(frozen=True, slots=True)
class Curve:
    """A knob of a model, and the models of the roster that are its settings."""

    of: str
    knob: str
    settings: tuple[tuple[str, float], ...]  # model and the knob's value, ascending; at least two

    @property
    def name(self) -> str:
        """Model and knob: tiny.guidance_scale."""
        return f"{self.of}.{self.knob}"

    @property
    def models(self) -> tuple[str, ...]:
        """In the order of their values."""
        return tuple(model for model, _ in self.settings)


def knobs(entry: Model) -> dict[str, float]:
    """Knobs of an entry with their values: the numbers among what decides its pictures."""
    found = entry.model_dump(exclude={"call", *entry.UNDECIDING})
    found |= {f"{CALL}{name}": value for name, value in getattr(entry, "call", {}).items()}
    return {name: value for name, value in found.items() if isinstance(value, int | float) and not isinstance(value, bool)}


def curves(models: Mapping[str, Model], roster: Sequence[str]) -> tuple[Curve, ...]:
    """Curves of the roster, in its order. A model that is swept is a setting of its own curve."""
    found: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for name in roster:
        if (sweep := models[name].sweep) is not None:
            found[sweep.of, sweep.knob][name] = knobs(models[name])[sweep.knob]
    for (of, knob), own in found.items():
        if of in roster and knob in (base := knobs(models[of])):
            own[of] = base[knob]
    ordered = {key: tuple(sorted(own.items(), key=lambda setting: setting[1])) for key, own in found.items()}
    return tuple(Curve(*key, settings) for key, settings in ordered.items() if len(settings) > 1)


def check(models: Mapping[str, Model], roster: Sequence[str]) -> None:
    """Raises ValueError for an entry that is no setting of its curve, and for two settings of the roster with one value."""
    for name, entry in models.items():
        if entry.sweep is not None:
            _is_a_setting(name, entry, models)
    for curve in curves(models, roster):
        for (one, value), (other, same) in pairwise(curve.settings):
            if value == same:
                raise ValueError(f"generate.roster: {one!r} and {other!r} are both {curve.of} at {curve.knob} {value:g}; take one off")


def _is_a_setting(name: str, entry: Model, models: Mapping[str, Model]) -> None:
    """Raises ValueError unless the entry is its base with the knob turned, and nothing else."""
    assert entry.sweep is not None
    of, knob = entry.sweep.of, entry.sweep.knob
    if of == name or of not in models:
        others = ", ".join(each for each in models if each != name)
        raise ValueError(f"models.{name}.sweep.of: {of!r} is no other entry of models:; choose one of {others}")
    if knob not in knobs(entry):
        raise ValueError(f"models.{name}.sweep.knob: {knob!r} is no number of this entry; choose one of {', '.join(knobs(entry))}")
    mine, theirs = _beside(entry, knob), _beside(models[of], knob)
    for field in sorted(mine.keys() | theirs.keys()):
        if mine.get(field) != theirs.get(field):
            raise ValueError(
                f"models.{name}.{field}: {mine.get(field)!r} is not {theirs.get(field)!r}, that of {of}, so their difference would not be the"
                f" knob's; leave it out, or take `sweep` off"
            )


def _beside(entry: Model, knob: str) -> dict[str, Any]:
    """An entry beside the knob and what stands in each entry alone; each argument of its call is a field."""
    found = entry.model_dump(exclude={"call", "extends", "needs", "scope"})
    found |= {f"{CALL}{name}": value for name, value in getattr(entry, "call", {}).items()}
    return {name: value for name, value in found.items() if name != knob}
