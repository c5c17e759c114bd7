"""A review of a few invented prompts, and raters who answer it by a plan."""

import csv
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import polars as pl
from typer.testing import CliRunner, Result

from trig import tables
from trig.annotate.review.items import Item, Key, load
from trig.cli.main import app
from trig.keys import content_key
from trig.tables import sources
from trig.tables.prompts import PROMPTS
from trig.testing.factories import EVIL, png

GOLD = (
    "task,pair,prompt,concerns_x,concerns_y,quality,verdict\n"
    "t2i,IQ-R_TA-S,A lifelike etching of a cat,yes,yes,5,accept\n"
    "t2i,IQ-R_TA-S,car car car,no,no,1,reject\n"
)
Answer = dict[str, str]


def prompts(folder: Path, count: int = 6, **first: str) -> Path:
    """A prompts table: one subset of each of t2i, or as many of p2p and s2p besides, where `first` names them."""
    found = [_prompt("t2i", "IQ-R_TA-S", n, f"An etching of girl number {n} on a beach") for n in range(1, count + 1)]
    found[0] |= first
    tables.write(pl.DataFrame(found, schema=dict(PROMPTS.columns)), PROMPTS, folder / "prompts.parquet")
    return folder / "prompts.parquet"


def with_pictures(folder: Path) -> tuple[Path, Path]:
    """A prompts table of all three tasks with a hostile prompt, and the sources that it names."""
    files = [png(1, 900, 40), png(2, 40, 900)]
    row = {
        "tasks": ["p2p", "s2p"],
        "width": 900,
        "height": 40,
        "subject": "the kite",
        "other": None,
        "place": None,
        "origin": "noise",
        "licence": "Apache-2.0",
    }
    rows = [
        {
            **row,
            "source": sources.digest(file),
            "image": {"bytes": file, "path": None},
            "item": item,
            "description": f"noise of {item or 'a beach'}",
        }
        for file, item in zip(files, (None, "kite"), strict=True)
    ]
    sources.write(pl.DataFrame(rows, schema=dict(sources.SOURCES.columns)), folder / "sources")
    found = [
        _prompt("t2i", "IQ-R_TA-S", 1, EVIL),
        _prompt("t2i", "IQ-R_TA-S", 2, "=HYPERLINK(1)"),
        _prompt("t2i", "IQ-R_TA-S", 3, f"\u202eשלום {'x' * 400}"),
        _prompt("p2p", "TA-C_TA-S", 1, "Turn the picture into an etching") | {"source": rows[0]["source"]},
        _prompt("s2p", "TA-C_D-A", 1, "This kite beside something to drink from") | {"source": rows[1]["source"], "item": f"kite {EVIL}"},
    ]
    tables.write(pl.DataFrame(found, schema=dict(PROMPTS.columns)), PROMPTS, folder / "prompts.parquet")
    return folder / "prompts.parquet", folder / "sources"


def _prompt(task: str, pair: str, number: int, text: str) -> dict[str, object]:
    fixed = {
        "sub_prompts": ["", "an etching"],
        "caption": "girl",
        "route": "combine",
        "template": "of",
        "annotator": "template",
        "split": "test",
    }
    names = {"task": task, "pair": pair, "data_id": f"{pair}_{number}", "prompt": text}
    return {**fixed, "parent": None, "item": None, "source": None, **names, "key": content_key(**names)}


def review(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["review", *map(str, arguments)])


def export(folder: Path, table: Path, *options: object) -> Key:
    """Export into a folder; the key."""
    ran = review("export", table, "--out", folder, *options)
    assert ran.exit_code == 0, (ran.output, ran.exception)
    return load(folder / "key.json")


def filled(folder: Path, rater: str, plan: Callable[[Item], Answer], edit: Callable[[str], str] = lambda text: text) -> Path:
    """The CSV file of the export as a rater fills it in, and as it is edited afterwards."""
    key = {item.id: item for item in load(folder / "key.json").items}
    rows = list(csv.DictReader(StringIO((folder / "raters" / "review.csv").read_text("utf-8-sig"), newline="")))
    out = StringIO(newline="")
    writer = csv.DictWriter(out, list(rows[0]))
    writer.writeheader()
    writer.writerows(row | plan(key[row["id"]]) | {"rater": rater} for row in rows)
    path = folder / f"{rater}.csv"
    path.write_text(edit(out.getvalue()), "utf-8")
    return path


def answer(verdict: str = "accept", quality: int = 4, x: str = "yes", y: str = "yes", remark: str = "") -> Answer:
    return {"concerns_x": x, "concerns_y": y, "quality": str(quality), "verdict": verdict, "remark": remark}
