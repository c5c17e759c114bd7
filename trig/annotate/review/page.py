"""What raters get: an offline page, and a CSV file for those who would rather have a table."""

from base64 import b64encode
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from io import BytesIO
from pathlib import Path
from typing import Any

import jinja2
from PIL import Image

from trig import pictures
from trig.annotate.review.answers import QUESTIONS
from trig.annotate.review.items import Item, Key
from trig.annotate.review.sheet import write
from trig.errors import PictureError
from trig.protocols.refusal import Refusal
from trig.tables.sources import Library
from trig.vocabulary.about import ABOUT
from trig.vocabulary.dimensions import Pair, Task

POLICY = "default-src 'none'; img-src data:; style-src 'sha256-{style}'; script-src 'sha256-{script}'; base-uri 'none'; form-action 'none'"
LONGEST_SIDE = 512
"""Pixels of a source picture on the page."""
QUALITY = 85
TASKS = {Task.T2I: "text to image", Task.P2P: "edit of a picture", Task.S2P: "picture of a given subject"}
COLUMNS = ("id", "task", "prompt", "subject", "picture", "dimension_x", "concerns_x", "dimension_y", "concerns_y")
"""Columns of the CSV file; quality, verdict, remark and rater follow."""


def render(key: Key, library: Library) -> str:
    """HTML of the page. Deterministic. Raises PictureError and TableError."""
    style, script = (files(__package__).joinpath("web", name).read_text("utf-8") for name in ("review.css", "review.js"))
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.policies["json.dumps_kwargs"] = {"ensure_ascii": False, "separators": (",", ":"), "sort_keys": True}
    template = environment.from_string(files(__package__).joinpath("web", "review.html").read_text("utf-8"))
    return template.render(
        policy=POLICY.format(style=_hash(style), script=_hash(script)), style=style, script=script, facts=_facts(key, library)
    )


def _hash(text: str) -> str:
    return b64encode(sha256(text.encode()).digest()).decode()


def _facts(key: Key, library: Library) -> dict[str, Any]:
    """What the page knows; no word of which items are repeated or gold."""
    shown = [
        {"id": item.id, "task": TASKS[item.task], "prompt": item.prompt, "item": item.item, "picture": item.source}
        | {"pair": item.pair.split("_")}
        for item in key.items
    ]
    wanted = sorted({item.source for item in key.items if item.source})
    return {
        "review": key.review,
        "items": shown,
        "questions": QUESTIONS,
        "dimensions": {dimension: {"name": about.name, "high": about.high} for dimension, about in ABOUT.items()},
        "pictures": {source: _picture(source, library) for source in wanted},
    }


def _picture(source: str, library: Library) -> str:
    """A source picture as a data URL, scaled down."""
    shown = pictures.decoded(library.get(source) or b"")
    if isinstance(shown, Refusal):
        raise PictureError(f"{library.folder}: picture {source}: {shown.reason}; take it out of the sources")
    shown.thumbnail((LONGEST_SIDE, LONGEST_SIDE), Image.Resampling.LANCZOS)
    out = BytesIO()
    shown.save(out, "WEBP", quality=QUALITY, method=4)
    return f"data:image/webp;base64,{b64encode(out.getvalue()).decode()}"


def table(key: Key, described: Mapping[str, str], path: Path) -> None:
    """Write the CSV file; `described`: what a source picture shows, in words."""
    columns = (*COLUMNS, *(question for question in QUESTIONS if question not in COLUMNS), "remark", "rater")
    write(path, columns, (dict.fromkeys(columns, "") | _row(item, described) for item in key.items))


def _row(item: Item, described: Mapping[str, str]) -> dict[str, str]:
    pair = Pair.parse(item.pair)
    asked = {name: f"{ABOUT[dimension].name}: {ABOUT[dimension].high}" for name, dimension in (("x", pair.x), ("y", pair.y))}
    return {
        "id": item.id,
        "task": TASKS[item.task],
        "prompt": item.prompt,
        "subject": item.item or "",
        "picture": described.get(item.source or "", ""),
        "dimension_x": asked["x"],
        "dimension_y": asked["y"],
    }
