"""Entries of a section that extend each other, or entries of a catalogue that comes with the package."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from trig.errors import ParamsError

OWN = ("extends", "needs", "scope", "sweep")
"""Fields that no entry inherits. DVC reads `needs` before anything is resolved."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What entries of a section can extend beside each other."""

    section: str
    called: str  # in messages: "choose … or one of …"
    known: Callable[[], Iterable[str]]
    inherited: Callable[[str, str], dict[str, Any]]  # fields by name of the entry; the second argument is the field of a message
    completed: Callable[[dict[str, Any], Mapping[Any, Any]], dict[Any, Any]]  # what is inherited, and the entry as written → the entry

    def resolved(self, entries: Mapping[Any, Any], file: str) -> dict[Any, Any]:
        """The section with inherited fields filled in. Raises ParamsError for a cycle, an unknown base, or one that nothing runs.

        What is no entry stays as it is, for the validation to refuse.
        """
        return {name: self._entry(name, entries, file, ()) if isinstance(entry, Mapping) else entry for name, entry in entries.items()}

    def _entry(self, name: Any, entries: Mapping[Any, Any], file: str, via: tuple[Any, ...]) -> dict[Any, Any]:
        """An entry with what it inherits. `via`: the entries that led here."""
        own, field = entries[name], f"{file}: {self.section}.{name}.extends"
        base = own.get("extends")
        if base is not None and not isinstance(base, str):
            raise ParamsError(
                f"{field}: {base!r} is no name; name an entry of {self.section}:, or one of {self.called}: {', '.join(self.known())}"
            )
        if base is None:
            return self.completed({"extends": None}, own)
        if base in via:
            raise ParamsError(
                f"{field}: {base!r} extends itself by way of {', '.join((*via[via.index(base) + 1 :], name))}; let one of them stand by itself"
            )
        if base != name and isinstance(entries.get(base), Mapping):
            inherited = {key: value for key, value in self._entry(base, entries, file, (*via, name)).items() if key not in OWN}
        elif base in self.known():
            inherited = self.inherited(base, field)
        else:
            others = ", ".join(str(each) for each in entries if each != name)
            raise ParamsError(
                f"{field}: {base!r} is unknown; choose another entry of {self.section}: ({others}), or one of {self.called}: {', '.join(self.known())}"
            )
        try:
            return self.completed(inherited, own)
        except ValueError as error:
            raise ParamsError(f"{file}: {self.section}.{name}.{error}") from None
