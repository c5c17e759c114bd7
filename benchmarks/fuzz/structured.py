"""Structure-aware edits: the parsed content of a file with a few of its parts replaced, taken out, doubled or renamed. Hypothesis draws them."""

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple, TypeAlias
from zlib import crc32

from hypothesis import strategies as st
from ruamel.yaml import YAML

from trig import notation

HUGE = 10**30
STRANGE: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 2**31, 2**63, HUGE, 0.5, -0.0, 1e308, float("nan"), float("inf"), float("-inf"), "", " ", "\0", "\n", "\x1b[2J", "\ud800",
    "é" * 300, "../../x", "/etc/passwd", "~", ".", "..", "a/b", "x\ny", "{x}", "{", "${HOME}", "http://[", "https://u:p@h/v1", "hub:a/b@main", "file:///etc",
    "\u202e", "A" * 5_000, [], {}, [[]], {"": None}, {"a": {"a": {"a": {}}}}, [None], [1, "a", []], "nan", "1e999", "2024-13-45", "yes", "0x10", "1_000",
)  # fmt: skip
"""Values that a field seldom expects."""
HOW = ("replace", "replace", "replace", "drop", "double", "rename", "swap", "wrap")
Path: TypeAlias = tuple[Any, ...]


class Edit(NamedTuple):
    """One edit: what is done, where (0 to 1, in the order of the file), and with which value."""

    how: str
    place: float
    value: Any


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=4,
)
SHARE = st.floats(0, 1, exclude_max=True)
EDITS = st.lists(st.builds(Edit, st.sampled_from(HOW), SHARE, st.sampled_from(STRANGE) | ANY), min_size=1, max_size=3)


def edited(tree: Any, edits: Sequence[Edit]) -> Any:
    """A tree of lists and objects after some edits."""
    for edit in edits:
        nodes = list(_paths(tree))
        if not nodes:
            return edit.value
        tree = _edited(tree, nodes[int(edit.place * len(nodes))], edit, nodes)
    return tree


def _paths(tree: Any, above: Path = ()) -> Iterator[Path]:
    inside = tree.items() if isinstance(tree, dict) else enumerate(tree) if isinstance(tree, list) else ()
    for key, value in inside:
        yield (*above, key)
        yield from _paths(value, (*above, key))


def _at(tree: Any, path: Path) -> Any:
    for key in path:
        tree = tree[key]
    return tree


def _edited(tree: Any, path: Path, edit: Edit, nodes: Sequence[Path]) -> Any:
    *above, key = path
    home = _at(tree, tuple(above))
    match edit.how:
        case "replace":
            home[key] = edit.value
        case "drop":
            del home[key]
        case "double" if isinstance(home, list):
            home.insert(key, home[key])
        case "rename" | "double" if isinstance(home, dict):
            name = edit.value if isinstance(edit.value, str | int | float | bool | None) else str(edit.value)
            home[name] = home[key] if edit.how == "double" else home.pop(key)
        case "swap":
            home[key] = json.loads(json.dumps(_at(tree, nodes[crc32(ascii(edit.value).encode()) % len(nodes)]), default=str))
        case "wrap":
            home[key] = [home[key]] if edit.place < 0.5 else {"x": home[key]}
    return tree


def of_json(file: bytes, edits: Sequence[Edit]) -> bytes:
    """An edited JSON file; NaN and infinities as Python writes them."""
    return json.dumps(edited(json.loads(file), edits), ensure_ascii=False, default=str).encode("utf-8", "surrogatepass")


def of_lines(file: bytes, edits: Sequence[Edit]) -> bytes:
    """An edited file of JSON lines."""
    rows = edited([json.loads(line) for line in file.splitlines()], edits)
    return b"\n".join(json.dumps(row, default=str).encode() for row in (rows if isinstance(rows, list) else [rows]))


def of_yaml(file: bytes, edits: Sequence[Edit]) -> bytes:
    """An edited YAML file."""
    out, tree = io.StringIO(), edited(notation.read(file.decode()), edits)
    YAML(typ="safe").dump(_dumpable(tree), out)
    return out.getvalue().encode("utf-8", "surrogatepass")


def _dumpable(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _dumpable(value) for key, value in tree.items()}
    return [_dumpable(each) for each in tree] if isinstance(tree, list) else tree


def of_csv(file: bytes, edits: Sequence[Edit]) -> bytes:
    """An edited CSV file."""
    rows = edited(list(csv.reader(io.StringIO(file.decode("utf-8-sig"), newline=""))), edits)
    out = io.StringIO(newline="")
    csv.writer(out, escapechar="\\").writerows(
        row if isinstance(row, list) else [row] for row in (rows if isinstance(rows, list) else [rows])
    )
    return out.getvalue().encode("utf-8", "surrogatepass")


def of_text(file: bytes, edits: Sequence[Edit]) -> bytes:
    """An edited text, line by line."""
    rows = edited(file.decode().split("\n"), edits)
    return "\n".join(map(str, rows if isinstance(rows, list) else [rows])).encode("utf-8", "surrogatepass")


Kind: TypeAlias = Callable[[bytes, Sequence[Edit]], bytes]
TEXTS: dict[str, Kind] = {".json": of_json, ".jsonl": of_lines, ".yaml": of_yaml, ".csv": of_csv, ".txt": of_text, ".md": of_text}
"""What edits a file, by its suffix."""
