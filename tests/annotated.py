"""Invented tables of an annotation: accepted prompts, rejected drafts with hostile texts, source pictures, and the funnel."""

from collections.abc import Mapping
from io import BytesIO

import polars as pl
from PIL import Image

from trig import tables
from trig.annotate.funnel import Key, funnel
from trig.tables.funnel import Credit, Funnel
from trig.tables.prompts import PROMPTS
from trig.tables.rejected import CHECKS, REJECTED
from trig.tables.sources import SOURCES, digest
from trig.vocabulary.dimensions import Dimension, Pair, Task

SUBSETS = tuple((task, Pair.parse(pair)) for task in Task for pair in ("IQ-R_TA-S", "IQ-O_TA-R", "TA-C_TA-S", "IQ-A_R-B"))
WANTED = 12
TRAIN = 4
EVIL = (
    '<img src=x onerror="alert(1)">',
    "</script><script>alert(2)</script>",
    "a girl \u202eetik a gniylf",
    "{{ 7 * 7 }} & <b>bold</b>",
    "x" * 5_000,
)
CAPTIONS = {"beach-kite": "people", "grey-cat": "animals", "old-tram": "city", "ramen": "food", "pine-forest": None}
PLACES = ("on a windy beach", "beside a frozen lake", "under a stone arch", "in a crowded park", "at a night market", "in a greenhouse")
STYLES = ("an oil painting", "a watercolour", "an ukiyo-e print", "a comic panel", "a charcoal drawing")
PHRASES: Mapping[tuple[Task, Dimension], tuple[str, ...]] = {
    (task, dimension): STYLES if dimension is Dimension.STYLE else () for task in Task for dimension in Dimension
}
CREDITS = (
    Credit(of="captions", licence="CC BY 4.0", origin='"><script>alert(4)</script>', entries=1_234, prompts=5_678),
    Credit(of="phrases", licence="Apache-2.0", origin="turned \u202e around", entries=3, prompts=4),
)


def picture(number: int) -> bytes:
    file = BytesIO()
    Image.new("RGB", (48 + 8 * number, 48), (40 * number % 255, 120, 200)).save(file, "PNG")
    return file.getvalue()


PICTURES = [picture(number) for number in range(5)]


def prompts() -> pl.DataFrame:
    """A table of prompts; one subset of each task is a copy, one is exhausted, and a language model wrote a part of one."""
    rows = [row for task, pair in SUBSETS for number in range(1, WANTED + TRAIN + 1) for row in _prompt(task, pair, number)]
    return tables.check(pl.DataFrame(rows, schema=dict(PROMPTS.columns)), PROMPTS, "invented")


def _prompt(task: Task, pair: Pair, number: int) -> list[dict[str, object]]:
    test = number <= WANTED
    if str(pair) == "IQ-A_R-B" and number > 9:
        return []
    copied = str(pair) == "TA-C_TA-S"
    model = str(pair) == "IQ-O_TA-R" and number % 3 == 0
    caption, style = sorted(CAPTIONS)[number % 5], STYLES[number % 4]
    letter = "RS" if copied else f"{str(pair)[3]}{str(pair)[-1]}"
    text = f"{style[0].upper()}{style[1:]} of {caption.replace('-', ' ')} number {number}{letter} {PLACES[number % 6]}, as the {task.value} task wants it"
    return [
        {
            "task": task.value,
            "pair": str(pair),
            "data_id": f"{pair}_{number}",
            "prompt": text,
            "sub_prompts": ["", style] if pair.y is Dimension.STYLE else ["", ""],
            "caption": caption if test else f"train-{caption}",
            "route": "copy" if copied else "refine" if model else "combine",
            "template": None if model else f"style/of+{'beside' if number % 2 else 'none'}",
            "annotator": "writer: openai/gpt-4o-2024-11-20" if model else "template",
            "parent": f"IQ-R_TA-S_{number}" if copied else None,
            "item": "backpack" if task is Task.S2P else None,
            "source": None if task is Task.T2I else digest(PICTURES[number % 4 if test else 4]),
            "split": "test" if test else "train",
            "key": f"{task.value}{text}".encode().hex()[:32],
        }
    ]


def rejected() -> pl.DataFrame:
    """Rejected drafts, one and more of each check, hostile texts among them."""
    rows = [_draft(task, pair, place, check) for task, pair in SUBSETS[:10] for place, check in enumerate(CHECKS) for _ in "x"]
    return tables.check(pl.DataFrame(rows, schema=dict(REJECTED.columns)), REJECTED, "invented")


def _draft(task: Task, pair: Pair, place: int, check: str) -> dict[str, object]:
    made = dict.fromkeys(CHECKS[:place], True) | {check: False}
    return {
        "task": task.value,
        "pair": str(pair),
        "split": "test" if place % 3 else "train",
        "prompt": EVIL[place % len(EVIL)] if place % 2 else f"A draft number {place} for the {task.value} task",
        "sub_prompts": ["", "an oil painting"],
        "caption": "grey-cat",
        "route": "combine" if place % 2 else "expand",
        "template": "style/of",
        "annotator": "template" if place % 2 else "writer: deepseek/<b>deepseek-chat</b>",
        "item": None,
        "source": None,
        "slot": place + 1,
        "round": place,
        "check": check,
        "reason": f"because of {EVIL[place % 4][:40]}",
        **dict.fromkeys(CHECKS, None),
        **made,
    }


def sources() -> pl.DataFrame:
    """Source pictures, two licences and one hostile origin."""
    rows = [
        {
            "source": digest(file),
            "image": {"bytes": file, "path": f"{number}.png"},
            "width": 48 + 8 * number,
            "height": 48,
            "tasks": ["p2p", "s2p"],
            "subject": "a backpack",
            "other": None,
            "place": "on a beach",
            "item": "backpack" if number % 2 else None,
            "description": None,
            "origin": "drawn for this project" if number % 2 else '"><script>alert(3)</script>',
            "licence": "Apache-2.0" if number else "CC0-1.0",
        }
        for number, file in enumerate(PICTURES)
    ]
    return tables.check(pl.DataFrame(rows, schema=dict(SOURCES.columns)), SOURCES, "invented")


def wanted() -> dict[Key, int]:
    return {(task, pair, split): count for task, pair in SUBSETS for split, count in (("test", WANTED), ("train", TRAIN))}


def counted() -> Funnel:
    return funnel(prompts(), rejected(), wanted(), CAPTIONS, PHRASES, CREDITS)
