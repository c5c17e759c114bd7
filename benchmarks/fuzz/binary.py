"""Structure-aware edits of binary files: Parquet tables, PNG chunks, headers of safetensors, and HTTP answers."""

import json
import struct
import zlib
from collections.abc import Sequence
from io import BytesIO
from typing import Any

import polars as pl

from benchmarks.fuzz.structured import TEXTS, Edit, Kind, edited, of_json

TYPES: tuple[Any, ...] = (
    pl.String,
    pl.Int8,
    pl.Int64,
    pl.Float64,
    pl.Binary,
    pl.List(pl.String),
    pl.Struct({"a": pl.Int64}),
    pl.Boolean,
    pl.Null,
    pl.Date,
)
PNG = b"\x89PNG\r\n\x1a\n"


def of_parquet(file: bytes, edits: Sequence[Edit]) -> bytes:
    """A Parquet file with a column less, more, null, of another type or name, or with rows doubled or taken out; or its note edited."""
    frame, note = pl.read_parquet(file), pl.read_parquet_metadata(file).get("trig")
    for edit in edits:
        column = frame.columns[int(edit.place * frame.width)] if frame.width else "none"
        frame = _table(frame, column, edit)
    out = BytesIO()
    noted = of_json(note.encode(), edits).decode("utf-8", "replace") if note and edits[0].place < 0.5 else note
    frame.write_parquet(out, metadata={"trig": noted} if noted else None)
    return out.getvalue()


def _table(frame: pl.DataFrame, column: str, edit: Edit) -> pl.DataFrame:
    match edit.how:
        case "drop":
            return frame.drop(column, strict=False)
        case "double":
            return pl.concat([frame, frame])
        case "rename":
            return frame.rename({column: str(edit.value).encode("utf-8", "replace").decode()}, strict=False)
        case "swap":
            return frame.reverse().head(int(edit.place * 5))
        case "wrap":
            return frame.with_columns(pl.lit(None, TYPES[int(edit.place * 100) % len(TYPES)]).alias(column))
        case _:
            return frame.with_columns(_filled(edit.value).alias(column))


def _filled(value: Any) -> pl.Expr:
    """A constant column; what polars has no type for, as text."""
    plain = value if isinstance(value, bool | float | bytes | None) or (isinstance(value, int) and abs(value) < 2**63) else str(value)
    return pl.lit(plain.encode("utf-8", "replace").decode() if isinstance(plain, str) else plain)


def of_png(file: bytes, edits: Sequence[Edit]) -> bytes:
    """A PNG with chunks edited and sound checksums, so that decoders go on to what the chunks say."""
    if not file.startswith(PNG):
        return file[: int(edits[0].place * len(file))]
    chunks = _chunks(file)
    for edit in edits:
        place = int(edit.place * len(chunks)) if chunks else 0
        chunks[place:place] = _chunk(chunks, place, edit)
    return PNG + b"".join(struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks)


def _chunk(chunks: list[tuple[bytes, bytes]], index: int, edit: Edit) -> list[tuple[bytes, bytes]]:
    """Chunks to insert; the header is edited in place."""
    number = edit.value % 2**31 if isinstance(edit.value, int) else 65_000
    match edit.how:
        case "replace" if chunks:
            head = bytearray(chunks[0][1])
            at = int(edit.place * 3)
            head[4 * at : 4 * at + 4] = struct.pack(">I", number) if at < 2 else bytes((number % 17, number % 7, 0, 0))
            chunks[0] = (chunks[0][0], bytes(head[:13]))
        case "drop" if chunks:
            del chunks[index]
        case "double" if chunks:
            return [chunks[index]]
        case "rename":
            return [(b"acTL", struct.pack(">II", number, 0))]
        case "swap":
            return [(b"iCCP", b"x\0\0" + zlib.compress(str(edit.value).encode("utf-8", "replace") * 9))]
        case "wrap":
            return [
                (b"eXIf", b"MM\0*\0\0\0\x08" + struct.pack(">HHHIHHI", 1, 0x0112, 3, 1, number % 12, 0, 0)),
                (b"tRNS", b"\xff\xff" * (number % 4)),
            ]
    return []


def _chunks(file: bytes) -> list[tuple[bytes, bytes]]:
    found, at = list[tuple[bytes, bytes]](), len(PNG)
    while at + 8 <= len(file):
        (length,) = struct.unpack(">I", file[at : at + 4])
        found.append((file[at + 4 : at + 8], file[at + 8 : at + 8 + length]))
        at += 12 + length
    return found


def of_safetensors(file: bytes, edits: Sequence[Edit]) -> bytes:
    """A file of safetensors with its header edited."""
    (length,) = struct.unpack("<Q", file[:8])
    head = json.dumps(edited(json.loads(file[8 : 8 + length]), edits), default=str).encode()
    return struct.pack("<Q", len(head)) + head + file[8 + length :]


def of_http(file: bytes, edits: Sequence[Edit]) -> bytes:
    """An HTTP answer with its JSON edited."""
    head, _, body = file.partition(b"\r\n\r\n")
    return head + b"\r\n\r\n" + of_json(body, edits)


KINDS: dict[str, Kind] = {
    **TEXTS,
    ".parquet": of_parquet,
    ".png": of_png,
    ".safetensors": of_safetensors,
    ".http": of_http,
}
"""What edits a file, by its suffix."""
