"""Code as a dependency: for each program, a hash of what can change its output.

A stage depends on the closure of its program's imports, and not on a file more. Comments, docstrings and the messages of exceptions are cut out
first, so that rewording reruns nothing. Positions come from `ast`, and the text between them is hashed, so that all versions of Python agree.
"""

import ast
from collections.abc import Iterator
from functools import cache
from hashlib import blake2b
from io import StringIO
from pathlib import Path
from tokenize import COMMENT, generate_tokens

PACKAGES = ("stages", "trig")
PLUMBING = (
    *("trig/errors.py", "trig/files.py", "trig/memory.py", "trig/notation.py"),
    *("trig/params/", "trig/run/", "trig/store.py"),
)
"""Decides how a program runs and fails, never what it writes: the values of parameters are dependencies of their own."""
PLUGS = ("trig/backends/judges/__init__.py", "trig/backends/painters/__init__.py")
"""Import one backend of several, by a parameter: who asks for a fingerprint names those that count."""
Span = tuple[int, int]
"""Start and end in the UTF-8 bytes of a file."""


class Code:
    """The code below a project's root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.imports = cache(self._imports)

    def fingerprint(self, *programs: str) -> str:
        """Hash of the closure of some programs, files such as `stages/judge.py`."""
        digest = blake2b(digest_size=16)
        for file in self.closure(*programs):
            content = (self.root / file).read_bytes()
            digest.update(f"{file}\0".encode() + (meaning(content) if file.endswith(".py") else content) + b"\0")
        return digest.hexdigest()

    def closure(self, *programs: str) -> list[str]:
        """The files that some programs import in any number of steps, without plumbing, and the data files that these read; sorted."""
        seen: set[str] = set()
        ahead = {*programs}
        while ahead:
            seen |= ahead
            ahead = {found for file in ahead for found in self.imports(file)} - seen
        return sorted(seen)

    def _imports(self, file: str) -> frozenset[str]:
        """The project's files that a file imports, at its top or inside a function, with the packages they lie in, and its data files."""
        if not file.endswith(".py") or file in PLUGS:
            return frozenset()
        tree = ast.parse((self.root / file).read_bytes())
        modules = {path for name in _names(tree) for path in self._paths(name) if not path.startswith(PLUMBING)}
        return frozenset(modules | self._data(file, tree))

    def _paths(self, name: str) -> Iterator[str]:
        """The files of a module and of the packages above it; none where it is not ours."""
        parts = name.split(".")
        for end in range(1, len(parts) + 1):
            place = self.root.joinpath(*parts[:end])
            for file in (place / "__init__.py", place.with_suffix(".py")):
                if parts[0] in PACKAGES and file.is_file():
                    yield file.relative_to(self.root).as_posix()

    def _data(self, file: str, tree: ast.Module) -> set[str]:
        """The data files of a module that opens some with `importlib.resources`: those beside it that it names, or all where it names none."""
        if "importlib.resources" not in {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}:
            return set()
        beside = (self.root / file).parent
        words = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
        named = [path for path in beside.iterdir() if path.name in words]
        files = [below for path in named or [beside] for below in ([path] if path.is_file() else path.rglob("*"))]
        return {path.relative_to(self.root).as_posix() for path in files if path.is_file() and path.suffix not in {".py", ".pyc"}}


def _names(tree: ast.Module) -> Iterator[str]:
    """The modules that a file may import; of `from a import b` both a and a.b."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        if isinstance(node, ast.ImportFrom):
            yield from (str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names))


def meaning(source: bytes, without: str = "") -> bytes:
    """A module without comments, docstrings, messages of exceptions and blank lines; and without the line that sets the variable `without`."""
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))
    spans = sorted({*_comments(source, starts), *_prose(ast.parse(source), starts, without)}, reverse=True)
    for start, end in spans:
        source = source[:start] + source[end:]
    return b"\n".join(line.rstrip() for line in source.splitlines() if line.strip())


def _comments(source: bytes, starts: list[int]) -> Iterator[Span]:
    text = source.decode()
    lines = text.splitlines(keepends=True)
    for token in generate_tokens(StringIO(text).readline):
        if token.type == COMMENT:
            row, column = token.start
            start = starts[row - 1] + len(lines[row - 1][:column].encode())
            yield start, start + len(token.string.encode())


def _prose(tree: ast.Module, starts: list[int], without: str) -> Iterator[Span]:
    """Spans that do not overlap: what is inside a message is not looked into."""
    ahead: list[ast.AST] = [tree]
    while ahead:
        node = ahead.pop()
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str):
            yield _span(node, starts)
        elif isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            spans = [*(_span(each, starts) for each in node.exc.args), *(_span(each, starts) for each in node.exc.keywords)]
            if spans:
                yield spans[0][0], spans[-1][1]
        elif isinstance(node, ast.Assign) and without and ast.unparse(node.targets[0]) == without:
            yield _span(node, starts)
        else:
            ahead.extend(ast.iter_child_nodes(node))


def _span(node: ast.expr | ast.stmt | ast.keyword, starts: list[int]) -> Span:
    assert node.end_lineno is not None and node.end_col_offset is not None
    return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset
