"""Edits of a YAML file by the places of its values, so that every comment and blank line around them stays as it is."""

import re
from collections.abc import Sequence
from pathlib import Path as FilePath
from tempfile import TemporaryDirectory
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.nodes import MappingNode, ScalarNode

from trig import params
from trig.errors import ParamsError

Path = tuple[str, ...]
Scalar = str | int | float | None
_PLAIN = re.compile(r"[A-Za-z./][\w./:@+-]*")
_WORDS = {"null", "true", "false", "yes", "no", "on", "off"}


class Edits:
    """Replacements in a text, collected by path and made together."""

    def __init__(self, text: str, name: str) -> None:
        self.before, self.name = text, name
        self.root = YAML().compose(text)
        self.made: list[tuple[int, int, str]] = []

    @property
    def text(self) -> str:
        """The text with all replacements."""
        text = self.before
        for start, end, new in sorted(self.made, reverse=True):
            text = text[:start] + new + text[end:]
        return text

    def scalar(self, *path: str, value: Scalar) -> None:
        """Replaces a value on its line; a comment behind it stays in its column."""
        _, node = self._find(path)
        if not isinstance(node, ScalarNode) and not node.flow_style:
            raise self._odd(path, "a single value")
        start, end, new = node.start_mark.index, node.end_mark.index, written(value)
        gap = re.match(r" +(?=#)", self.before[end:])
        width = len(gap[0]) if gap else 0
        pad = " " * max(2, width + end - start - len(new)) if gap else ""
        self.made.append((start, end + width, new + pad))

    def block(self, *path: str, lines: Sequence[str]) -> None:
        """Replaces what stands indented below a key; `lines` are without the indentation of the block."""
        _, node = self._find(path)
        if isinstance(node, ScalarNode) or node.flow_style:
            raise self._odd(path, "lines of its own below it")
        start = self._line(node.start_mark.index)
        indent = self.before[start : node.start_mark.index]
        self.made.append((start, self._end(node), "\n".join(f"{indent}{line}" for line in lines)))

    def below(self, *path: str, lines: Sequence[str]) -> None:
        """Adds lines at the end of what stands indented below a key; `lines` are without the indentation of the block."""
        _, node = self._find(path)
        if isinstance(node, ScalarNode) or node.flow_style:
            raise self._odd(path, "lines of its own below it")
        start, end = node.start_mark.index, self._end(node)
        indent = self.before[self._line(start) : start]
        self.made.append((end, end, "".join(f"\n{indent}{line}" for line in lines)))

    def drop(self, *path: str) -> None:
        """Takes a key out, if it is there, with what stands below it and the blank lines behind it."""
        pairs = self._find(path[:-1])[1].value
        index = next((index for index, (found, _) in enumerate(pairs) if found.value == path[-1]), None)
        if index is not None:
            last = index + 1 == len(pairs)
            end = self.before.find("\n", self._end(pairs[index][1])) + 1 if last else self._line(pairs[index + 1][0].start_mark.index)
            self.made.append((self._line(pairs[index][0].start_mark.index), end or len(self.before), ""))

    def rename(self, *path: str, name: str) -> None:
        """Gives a key another name."""
        key, _ = self._find(path)
        self.made.append((key.start_mark.index, key.end_mark.index, name))

    def _line(self, index: int) -> int:
        return self.before.rfind("\n", 0, index) + 1

    def _end(self, node: Any) -> int:
        """End of the lines of a block, without the blank lines and comments that ruamel counts among them."""
        start = self._line(node.start_mark.index)
        behind = re.search(r"(?:\s*\n(?: *#[^\n]*)?)*\s*\Z", self.before[start : node.end_mark.index])
        assert behind
        return start + behind.start()

    def _find(self, path: Path) -> tuple[Any, Any]:
        key, node = None, self.root
        for part in path:
            pairs = node.value if isinstance(node, MappingNode) else []
            key, node = next(((key, value) for key, value in pairs if key.value == part), (None, None))
            if key is None:
                raise self._odd(path, "this key")
        return key, node

    def _odd(self, path: Path, wanted: str) -> ParamsError:
        return ParamsError(
            f"{self.name}: {'.'.join(path)}: the file has not {wanted}; take the shipped one: git show HEAD:params.yaml > FILE (trig init: --template FILE)"
        )


def check(text: str, out: FilePath) -> None:
    """Raises ParamsError, of the file to be written, where the parameters are not sound."""
    with TemporaryDirectory() as place:
        draft = FilePath(place, out.name)
        draft.write_text(text, "utf-8")
        try:
            params.load(draft)
        except ParamsError as error:
            raise ParamsError(str(error).replace(str(draft), str(out))) from None


def written(value: Scalar) -> str:
    """A value in YAML, in quotes where it would be read as another."""
    if value is None:
        return "null"
    if not isinstance(value, str):
        return str(value)
    return value if _PLAIN.fullmatch(value) and value.lower() not in _WORDS else "'" + value.replace("'", "''") + "'"
