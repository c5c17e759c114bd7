"""Code fingerprints: a hash of each program's import closure, so that a stage reruns only when output-affecting code changes.

Comments, docstrings and exception messages are stripped first. The source between `ast` positions is hashed, so all Python versions agree.
"""

import ast
from collections.abc import Iterator, Sequence
from functools import cache
from hashlib import blake2b
from io import BytesIO
from itertools import compress, pairwise
from pathlib import Path
from tokenize import COMMENT, tokenize

PACKAGES = ("stages", "trig")
PLUMBING = (
    *("trig/backends/executors/", "trig/errors.py", "trig/memory.py", "trig/params/", "trig/processes.py", "trig/run/", "trig/store.py"),
)
"""Excluded: it decides how a program runs and fails, not what it writes. Parameter values are dependencies of their own."""
PLUGS = (
    *(f"trig/backends/{kind}/__init__.py" for kind in ("annotators", "judges", "losses", "painters", "trainers")),
    "trig/finetune/policies/__init__.py",
)
"""Plug-in loaders: their imports are not followed; the caller of `fingerprint` adds what is in use."""
Span = tuple[int, int]
"""Start and end offset in bytes (UTF-8)."""


class Code:
    """The source tree below a project's root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.read = cache(self._read)

    def fingerprint(self, *programs: str) -> str:
        """Hash of the import closure of programs such as `stages/judge.py`."""
        digest = blake2b(digest_size=16)
        for file in self.closure(*programs):
            digest.update(f"{file}\0".encode() + self.read(file)[1] + b"\0")
        return digest.hexdigest()

    def closure(self, *programs: str) -> list[str]:
        """Transitive imports of programs and the data files they read, without plumbing; sorted."""
        seen: set[str] = set()
        ahead = {*programs}
        while ahead:
            seen |= ahead
            ahead = {found for file in ahead for found in self.read(file)[0]} - seen
        return sorted(seen)

    def _read(self, file: str) -> tuple[frozenset[str], bytes]:
        """Direct imports of a file, also inside functions, with parent packages and data files; and what is hashed of it."""
        content = (self.root / file).read_bytes()
        if not file.endswith(".py"):
            return frozenset(), content
        nodes = list(ast.walk(ast.parse(content)))
        return frozenset() if file in PLUGS else self._imports(file, nodes), _meaning(content, nodes)

    def _imports(self, file: str, nodes: Sequence[ast.AST]) -> frozenset[str]:
        modules = {path for name in _names(nodes) for path in self._paths(name) if not path.startswith(PLUMBING)}
        return frozenset(modules | self._data(file, nodes))

    def _paths(self, name: str) -> Iterator[str]:
        """Files of a module and its parent packages; none for third-party modules."""
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            place = self.root.joinpath(*parts[:end])
            for file in (place / "__init__.py", place.with_suffix(".py")):
                if parts[0] in PACKAGES and file.is_file():
                    yield file.relative_to(self.root).as_posix()

    def _data(self, file: str, nodes: Sequence[ast.AST]) -> set[str]:
        """Package data of a module that uses `importlib.resources`: the files it names, or all beside it if it names none."""
        if "importlib.resources" not in {node.module for node in nodes if isinstance(node, ast.ImportFrom)}:
            return set()
        beside = (self.root / file).parent
        words = {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        named = [path for path in beside.rglob("*") if path.relative_to(beside).as_posix() in words]
        files = [below for path in named or [beside] for below in ([path] if path.is_file() else path.rglob("*"))]
        return {path.relative_to(self.root).as_posix() for path in files if path.is_file() and path.suffix not in {".py", ".pyc"}}


def _names(nodes: Sequence[ast.AST]) -> Iterator[str]:
    """Imported module names; `from a import b` gives a and a.b."""
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield from (str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names))


def meaning(source: bytes, without: str = "") -> bytes:
    """Module source without comments, docstrings, exception messages and blank lines, and without the assignment to `without`.

    What stands inside a string stays to the byte.
    """
    return _meaning(source, list(ast.walk(ast.parse(source))), without)


def _meaning(source: bytes, nodes: Sequence[ast.AST], without: str = "") -> bytes:
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    kept = bytearray(b"\1" * len(source))
    for start, end in (*_comments(source, starts), *_prose(nodes, starts, without)):
        kept[start:end] = bytes(end - start)
    inside = _inside_strings(nodes)
    found: list[bytes] = []
    for number, (start, end) in enumerate(pairwise(starts), 1):
        line = bytes(compress(source[start:end], kept[start:end]))
        begins, ends = (row in inside and kept[at : at + 1] == b"\1" for row, at in ((number, start), (number + 1, end)))
        if begins or line.strip():
            found.append(line if ends else line.rstrip())
    return b"\n".join(found)


def _comments(source: bytes, starts: list[int]) -> Iterator[Span]:
    for token in tokenize(BytesIO(source).readline):
        if token.type == COMMENT:
            row, column = token.start
            before = source[starts[row - 1] : starts[row]].decode()[:column]
            start = starts[row - 1] + len(before.encode())
            yield start, start + len(token.string.encode())


def _inside_strings(nodes: Sequence[ast.AST]) -> set[int]:
    """Numbers of the lines that begin inside a string."""
    strings = (
        node for node in nodes if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))
    )
    return {line for node in strings for line in range(node.lineno + 1, (node.end_lineno or node.lineno) + 1)}


def _prose(nodes: Sequence[ast.AST], starts: list[int], without: str) -> Iterator[Span]:
    """Spans to strip: docstrings, exception messages, and the assignment to `without`."""
    for node in nodes:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield _span(node, starts)
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            yield _span(node.exc.func, starts)[1], _span(node.exc, starts)[1]
        elif isinstance(node, ast.Assign) and without and ast.unparse(node.targets[0]) == without:
            yield _span(node, starts)


def _span(node: ast.expr | ast.stmt, starts: list[int]) -> Span:
    assert node.end_lineno is not None and node.end_col_offset is not None
    return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
