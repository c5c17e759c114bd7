"""Files as the benchmark publishes them, in our own words and with every trap; what an import makes of them; prompts of the project's own."""

import json
from pathlib import Path
from typing import Any

import polars as pl
from typer.testing import CliRunner, Result

from trig import tables
from trig.annotate.imported import load
from trig.cli.main import app
from trig.errors import TrigError
from trig.keys import content_key
from trig.tables.prompts import PROMPTS
from trig.tables.rejected import REJECTED
from trig.tables.sources import SOURCES, digest
from trig.testing.factories import png

Record = dict[str, Any]
PLAIN = ("data_id", "prompt", "sub_prompts", "pair", "route", "annotator", "parent", "caption", "item", "source")
HOSTILE = "</code><script>alert(1)</script> | [x](javascript:1) **b**\n# `h` @all"


def t2i(data_id: str, prompt: str, texts: tuple[str, str], parents: tuple[str, str], img_id: str = "") -> Record:
    """A text-to-image record, with the fields in the published order."""
    codes = data_id.split("_")[:2]
    told = {"data_id": data_id, "prompt": prompt, "dimension_prompt": list(texts), "img_id": img_id}
    return told | {"dimension": codes, "parent_dataset": list(parents)}


def i2i(data_id: str, prompt: str, texts: tuple[str, str], source: str, img_id: str, **more: object) -> Record:
    """An editing record, or with an item a subject record."""
    item = {"item": more.pop("item")} if "item" in more else {}
    told = {"data_id": data_id} | item | {"prompt": prompt, "dimension_prompt": list(texts), "parent_dataset": [source, "Auto"]}
    return told | {"img_id": img_id, "dimensions": data_id.split("_")[:2]} | more


T2I = [
    t2i("IQ-R_TA-R_1", "A heron stands behind a rowing boat", ("", "behind a rowing boat"), ("DOCCI", "Origin"), "lake_01.jpg"),
    t2i("IQ-R_TA-R_4", "Zwei Äpfel “unter” 🍏 einem Tisch", ("", "unter einem Tisch"), ("New", "Auto")),  # numbers have gaps
    t2i("IQ-A_TA-R_1", "A heron stands behind a rowing boat", ("", "behind a rowing boat"), ("<IQ-R, TA-R>", "Origin")),
    t2i("IQ-A_TA-R_4", "Two apples under a table", ("", "under a table"), ("<IQ-R, TA-R>", "Origin")),  # no copy, whatever it says
    t2i("TA-R_TA-S_1", "A woodcut of a heron behind a rowing boat", ("behind a rowing boat", "a woodcut"), ("<IQ-R, TA-R>", "Human")),
    t2i("TA-S_R-B_7", "A comic strip of a pilot at work", ("a comic strip", ""), ("<IQ-R, R-B>", "Human")),  # its parent is not here
    t2i("IQ-R_TA-S_2", "A pastel drawing of a mill", ("", "a pastel drawing"), ("COCO", "Human"), "mill.jpg")
    | {"votes": [3, None], "note": None},
]
P2P = [
    i2i("IQ-O_D-K_1", "Replace the clock by an astrolabe", ("an odd clock", "an astrolabe"), "OmniEdit-Filtered", "hall.png"),
    i2i("IQ-O_D-K_2", "Turn the hall into a beehive", ("a beehive", ""), "OmniEdit-Filtered", "hall.png"),
    i2i(
        "R-T_IQ-R_3",
        "Add a warning sign",
        ("a warning sign", "like a photo"),
        "toxigen",
        "in/street.png",
        target_group="none",
        text="Nobody said it.",
    ),
    i2i("R-T_TA-C_3", "Add a fence", ("a fence", ""), "toxigen", "absent.png", target_group="none", text=""),
]
S2P = [
    i2i("TA-C_TA-S_1", "A kettle in a snowstorm, in crayon", ("in a snowstorm", "in crayon"), "Subjects200K", "kettle.png", item="kettle"),
    i2i("TA-C_TA-S_2", HOSTILE, ("", ""), "X2I-subject-driven", "hall.png", item=HOSTILE),
]
FILES = {"text-to-image-new.json": T2I, "p2p_all.json": P2P, "subject_driven.json": S2P}
LEFT_OUT = ["R-T_TA-C_3"]


def published(place: Path) -> Path:
    """The files as they are published, with the pictures of edits and subjects in folders of their own."""
    for name, rows in FILES.items():
        (place / name).write_text(json.dumps(rows, indent=4), "utf-8")
    for number, name in enumerate(("edits/hall.png", "edits/in/street.png", "subjects/kettle.png", "subjects/hall.png")):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_bytes(png(number))
    return place


def trig(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def done(*arguments: object) -> str:
    """What a command that must end well says."""
    ran = trig(*arguments)
    if ran.exception and ran.exit_code:
        raise ran.exception
    return ran.output


def taken(place: Path, out: Path) -> Path:
    """The published files, imported."""
    folders = ("--images", f"p2p={place / 'edits'}", "--images", f"s2p={place / 'subjects'}")
    done("import", "trig-bench", *(place / name for name in FILES), *folders, "--licence", "CC BY 4.0", "--out", out)
    return out


def rows(folder: Path) -> dict[str, Record]:
    return {row["data_id"]: row for row in load(folder)[0].select(PLAIN).iter_rows(named=True)}


def own(place: Path) -> Path:
    """Prompts that the project wrote: a template's, its copy, a model's edit, a train prompt."""

    def row(task: str, data_id: str, prompt: str, **more: object) -> Record:
        told = {
            "task": task,
            "data_id": data_id,
            "pair": data_id.rpartition("_")[0],
            "prompt": prompt,
            "caption": "beach",
            "sub_prompts": ["", "kite"],
        }
        rest = {"route": "combine", "annotator": "template", "split": "test", "key": content_key(p=prompt)}
        return dict.fromkeys(PROMPTS.columns) | told | rest | more

    picture = png(9)
    made = [
        row("t2i", "IQ-R_TA-C_1", "A kite over a beach"),
        row("t2i", "IQ-A_TA-C_1", "A kite over a beach", route="copy", parent="IQ-R_TA-C_1"),
        row("t2i", "IQ-A_TA-C_2", "A red kite", route="copy", parent="IQ-R_TA-C_1"),
        row("t2i", "IQ-A_TA-C_3", "A kite to learn from", split="train"),
        row("p2p", "IQ-A_TA-C_1", "Take the kite away", annotator="writer: openai/gpt-4o", route="refine", source=digest(picture)),
    ]
    tables.write(pl.DataFrame(made, schema=dict(PROMPTS.columns)), PROMPTS, place / "prompts.parquet")
    told = {
        "source": digest(picture),
        "image": {"bytes": picture, "path": "x"},
        "width": 8,
        "height": 8,
        "tasks": ["p2p", "s2p"],
        "subject": "a kite",
        "place": "by the sea",
    }
    pictures = [dict.fromkeys(SOURCES.columns) | told | {"origin": "drawn | here", "licence": "CC0-1.0"}]
    tables.write(pl.DataFrame(pictures, schema=dict(SOURCES.columns)), SOURCES, place / "sources/0.parquet")
    refused = dict.fromkeys(REJECTED.columns) | {name: made[0][name] for name in REJECTED.columns if name in made[0]}
    refused |= {"slot": 1, "round": 0, "check": "plain", "reason": HOSTILE, "plain": False}
    tables.write(pl.DataFrame([refused], schema=dict(REJECTED.columns)), REJECTED, place / "rejected.parquet")
    return place


def refused(file: object, said: str, place: Path, *more: object) -> None:
    """An import that ends with one line, and leaves nothing."""
    failed = trig("import", "trig-bench", file, "--out", place / "out", *more)
    assert isinstance(failed.exception, TrigError), failed.output
    assert said in str(failed.exception) and len(str(failed.exception).splitlines()) == 1
    assert not [path for path in place.iterdir() if "out" in path.name]
