"""Lazy imports of libraries that another library imports and seldom needs."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any


class _Later(ModuleType):
    """Stands for a module that is imported when an attribute of it is first read.

    `importlib.util.LazyLoader` does not serve: an import statement reads `__spec__`, and before Python 3.12 that is an attribute like any other.
    """

    def __getattr__(self, name: str) -> Any:
        if (
            name.startswith("__") and name != "__path__"
        ):  # asked for by whoever looks through sys.modules; a path: by an import below this one
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


def lazily(*names: str) -> None:
    """Have these modules imported at their first use, where they are not yet."""
    for name in names:
        sys.modules.setdefault(name, _Later(name))
