"""A byte-level mutator: flips, cuts, inserts, splices and duplications, and files that are no files."""

from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from shutil import rmtree

MOST = 4
"""Mutations of one input."""
TOKENS = (
    b"", b"\0", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\r\n", b"\xe2\x80\xa8", b"\x1b[2J", b"NaN", b"-Infinity", b"1e999", b"-1", b"null",
    b"18446744073709551616", b"9" * 400, b"[" * 2000, b'{"a":' * 500, b"&a [*a, *a]", b"!!python/object/apply:os.system [true]", b"<<: *a", b"../../x",
    b"/etc/passwd", b"%s%n", b"A" * 70_000, b"<script>", b'"', b"'", b"\t", b": ", b"- ", b"#",
)  # fmt: skip
"""What parsers stumble over."""
Mutation = Callable[[bytes, Random, Sequence[bytes]], bytes]


def broken(file: bytes, draw: Random, others: Sequence[bytes]) -> bytes:
    """A file after one to MOST mutations; `others` are spliced in."""
    for _ in range(draw.randint(1, MOST)):
        file = draw.choice(MUTATIONS)(file, draw, others)
    return file


def _flip(file: bytes, draw: Random, _: Sequence[bytes]) -> bytes:
    found = bytearray(file)
    for _bit in range(draw.choice((1, 1, 2, 8, 64)) if found else 0):
        found[draw.randrange(len(found))] ^= 1 << draw.randrange(8)
    return bytes(found)


def _set(file: bytes, draw: Random, _: Sequence[bytes]) -> bytes:
    """Numbers in binary headers: a run of equal bytes."""
    start, length = _place(file, draw), draw.choice((1, 2, 4, 8))
    return file[:start] + draw.choice((b"\0", b"\xff", b"\x7f", b"\x80")) * length + file[start + length :]


def _cut(file: bytes, draw: Random, _: Sequence[bytes]) -> bytes:
    return file[: _place(file, draw)]


def _take(file: bytes, draw: Random, _: Sequence[bytes]) -> bytes:
    start, end = sorted((_place(file, draw), _place(file, draw)))
    return file[:start] + file[end:]


def _insert(file: bytes, draw: Random, _: Sequence[bytes]) -> bytes:
    start = _place(file, draw)
    return file[:start] + (draw.randbytes(draw.randint(1, 64)) if draw.random() < 0.2 else draw.choice(TOKENS)) + file[start:]


def _replace(file: bytes, draw: Random, _: Sequence[bytes]) -> bytes:
    """A word, number or name, by a token."""
    start = end = _place(file, draw)
    while end < min(len(file), start + 40) and (file[end : end + 1].isalnum() or file[end] in b".-_"):
        end += 1
    return file[:start] + draw.choice(TOKENS) + file[end:]


def _splice(file: bytes, draw: Random, others: Sequence[bytes]) -> bytes:
    other = draw.choice(others) if others else file
    return file[: _place(file, draw)] + other[_place(other, draw) :]


def _double(file: bytes, draw: Random, _: Sequence[bytes]) -> bytes:
    start, end = sorted((_place(file, draw), _place(file, draw)))
    return file[:end] + file[start:end] * draw.choice((1, 1, 2, 50 if end - start < 2_000 else 1)) + file[end:]


MUTATIONS: tuple[Mutation, ...] = (_flip, _set, _cut, _take, _insert, _replace, _splice, _double)


def _place(file: bytes, draw: Random) -> int:
    """An offset: anywhere, or near the beginning or the end, where headers lie."""
    match draw.randrange(4):
        case 0:
            return min(len(file), draw.randrange(64))
        case 1:
            return max(0, len(file) - draw.randrange(64))
        case _:
            return draw.randrange(len(file) + 1)


def no_file(path: Path, draw: Random) -> str:
    """Something else in the place of a file; what it is."""
    how = draw.choice(("missing", "empty", "folder", "dangling link", "looping link", "unnamed"))
    path.unlink()
    match how:
        case "empty":
            path.touch()
        case "folder":
            path.mkdir()
        case "dangling link":
            path.symlink_to("nowhere")
        case "looping link":
            path.symlink_to(path.name)
        case "unnamed":
            rmtree(path.parent / "\x1b[1m\n", ignore_errors=True)
            (path.parent / "\x1b[1m\n").write_bytes(b"x")
    return how
