"""What a checkpoint's own files say of it, read without loading it: how long a context it has, and how many tokens texts and pictures are."""

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
    """How pictures become tokens: resized to whole cells of one token each, as Qwen's vision-language models and their kin do."""

    cell: int  # pixels: the side of the square that is one token, patch size × merge size
    least: int = 0  # pixels: smaller pictures are enlarged to about this
    most: int | None = None  # pixels: larger ones are made smaller than this

    def tokens(self, width: int, height: int) -> int:
        """How many tokens a picture of so many pixels is, without the marks around it."""
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
        """No picture of at most so many pixels is more tokens than this, whatever its shape."""
        cells = sqrt(max(self.least, pixels if self.most is None else min(pixels, self.most))) / self.cell
        slender = sqrt(MOST_SLENDER)
        return floor(cells**2 + (slender + 1 / slender) * cells + 1)  # (rows + 1) · (columns + 1) at the most slender shape


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A model's folder."""

    context: int | None  # the most tokens it reads; None where its files do not say
    vision: Vision | None  # None where its files do not say, or where its pictures are cut otherwise
    tokenizer: Tokenizer | None

    def count(self, text: str) -> int | None:
        """How many tokens a text is, without special tokens; None where its tokenizer is not in the folder."""
        return None if self.tokenizer is None else len(self.tokenizer.encode(text, add_special_tokens=False).ids)


def there(place: Path) -> bool:
    """Whether a folder holds a checkpoint's description."""
    return (place / CONFIG).is_file()


def read(place: Path) -> Checkpoint:
    """What the files of a folder say. Raises WeightsError where a description among them is no readable JSON."""
    config = _json(place / CONFIG)
    text = {**config, **_section(config, "text_config")}
    words = place / TOKENIZER
    return Checkpoint(_positive(text, "max_position_embeddings"), _vision(place, config), _tokenizer(words) if words.is_file() else None)


def reserved(place: Path) -> frozenset[str]:
    """The words that a checkpoint's tokenizer takes for marks and not for text; none where the folder has no tokenizer, or is a file.

    Raises WeightsError where the tokenizer cannot be read.
    """
    if (file := place / TOKENIZER).is_file():
        return marks(_tokenizer(file).get_added_tokens_decoder().values())
    added = _section(_json(place / TOKENIZER_CONFIG), "added_tokens_decoder").values() if place.is_dir() else ()
    return marks(AddedToken(str(each.get("content", "")), special=bool(each.get("special"))) for each in added if isinstance(each, dict))


def marks(added: Iterable[AddedToken]) -> frozenset[str]:
    """Of the tokens that were added to a vocabulary, those that no text means: special ones, and those in brackets."""
    return frozenset(token.content for token in added if token.content.strip() and (token.special or BRACKETED.fullmatch(token.content)))


def unsayable(text: str, words: Collection[str]) -> Refusal | None:
    """Why a text that holds one of these words cannot be asked: the judge would not read it as text. None where it holds none."""
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
    size = _section(processor, "size")  # its edges are pixels of an area
    least = _positive(processor, "min_pixels") or _positive(size, "shortest_edge") or 0
    return Vision(patch * merge, least, _positive(processor, "max_pixels") or _positive(size, "longest_edge"))


def _json(file: Path) -> dict[str, Any]:
    """The object in a file; empty where there is no file."""
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
