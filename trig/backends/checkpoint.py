"""Checkpoint metadata without loading weights: context length, text and image token counts, special tokens."""

import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import ceil, floor, sqrt
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Tokenizer

from trig.errors import WeightsError
from trig.pictures import MOST_SLENDER
from trig.protocols.refusal import Refusal

CONFIG, TOKENIZER, TOKENIZER_CONFIG = "config.json", "tokenizer.json", "tokenizer_config.json"
BRACKETED = re.compile(r"<.+>|\[.+\]")


@dataclass(frozen=True, slots=True)
class Vision:
    """Image tokenisation of Qwen-style vision-language models: resized to whole cells of one token each."""

    cell: int  # side in pixels: patch size × merge size
    least: int = 0  # min_pixels: smaller images are upscaled to about this
    most: int | None = None  # max_pixels: larger images are downscaled below this

    def tokens(self, width: int, height: int) -> int:
        """Image tokens of a width × height image (pixels), without start and end tokens."""
        rows, columns = round(height / self.cell), round(width / self.cell)
        pixels = rows * columns * self.cell**2
        if self.most is not None and pixels > self.most:
            side = self.cell * sqrt(width * height / self.most)
            rows, columns = floor(height / side), floor(width / side)
        elif pixels < self.least:
            scale = sqrt(self.least / (width * height))
            rows, columns = ceil(height * scale / self.cell), ceil(width * scale / self.cell)
        return max(1, rows) * max(1, columns)

    def bound(self, pixels: int) -> int:
        """Upper bound on the image tokens of an image with at most so many pixels, at any aspect ratio."""
        cells = sqrt(max(self.least, pixels if self.most is None else min(pixels, self.most))) / self.cell
        slender = sqrt(MOST_SLENDER)
        return floor(cells**2 + (slender + 1 / slender) * cells + 1)  # (rows + 1) · (columns + 1) at the most extreme aspect ratio


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Metadata of a checkpoint folder."""

    context: int | None  # context length in tokens; None if not stated
    vision: Vision | None  # None if not stated, or if images are tokenised otherwise
    tokenizer: Tokenizer | None

    def count(self, text: str) -> int | None:
        """Token count without special tokens; None without a tokenizer file."""
        return None if self.tokenizer is None else len(self.tokenizer.encode(text, add_special_tokens=False).ids)


def there(place: Path) -> bool:
    """Whether the folder has a config.json."""
    return (place / CONFIG).is_file()


def read(place: Path) -> Checkpoint:
    """Read a checkpoint's metadata. Raises WeightsError for invalid JSON."""
    config = _json(place / CONFIG)
    text = {**config, **_section(config, "text_config")}
    words = place / TOKENIZER
    return Checkpoint(_positive(text, "max_position_embeddings"), _vision(place, config), _tokenizer(words) if words.is_file() else None)


def reserved(place: Path) -> frozenset[str]:
    """Special-token strings of a checkpoint's tokenizer; empty without a tokenizer, or for a file. Raises WeightsError if it is unreadable."""
    if (file := place / TOKENIZER).is_file():
        return marks(_tokenizer(file).get_added_tokens_decoder().values())
    added = _section(_json(place / TOKENIZER_CONFIG), "added_tokens_decoder").values() if place.is_dir() else ()
    return marks(AddedToken(str(each.get("content", "")), special=bool(each.get("special"))) for each in added if isinstance(each, dict))


def marks(added: Iterable[AddedToken]) -> frozenset[str]:
    """Special-token strings among added tokens: those flagged special, and those in brackets."""
    return frozenset(token.content for token in added if token.content.strip() and (token.special or BRACKETED.fullmatch(token.content)))


def unsayable(text: str, words: Collection[str]) -> Refusal | None:
    """Refusal for a text with a special-token string, which the tokenizer would not read as text; else None."""
    found = min((word for word in words if word in text), key=text.index, default=None)
    return None if found is None else Refusal(f"the text holds {found!r}, a word that the judge reserves; write it otherwise", final=True)


def _tokenizer(file: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(file))
    except Exception as error:  # noqa: BLE001 - the library raises nothing narrower
        raise WeightsError(f"{file}: not a readable tokenizer ({error}); restore the file, or fetch it with `dvc pull`") from None


def _vision(place: Path, config: Mapping[str, Any]) -> Vision | None:
    seen = _section(config, "vision_config")
    patch, merge = _positive(seen, "patch_size"), _positive(seen, "spatial_merge_size")
    if patch is None or merge is None:
        return None
    processor = _json(place / "preprocessor_config.json") or _section(_json(place / "processor_config.json"), "image_processor")
    size = _section(processor, "size")  # shortest_edge and longest_edge are pixel counts (areas)
    least = _positive(processor, "min_pixels") or _positive(size, "shortest_edge") or 0
    return Vision(patch * merge, least, _positive(processor, "max_pixels") or _positive(size, "longest_edge"))


def _json(file: Path) -> dict[str, Any]:
    """JSON object in a file; empty if the file is absent. Raises WeightsError."""
    try:
        found = json.loads(file.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        found = None
    if not isinstance(found, dict):
        raise WeightsError(f"{file}: not a readable JSON object; restore the file, or fetch it with `dvc pull`")
    return found


def _section(found: Mapping[str, Any], name: str) -> dict[str, Any]:
    section = found.get(name)
    return section if isinstance(section, dict) else {}


def _positive(found: Mapping[str, Any], name: str) -> int | None:
    value = found.get(name)
    return value if isinstance(value, int) and value > 0 else None
