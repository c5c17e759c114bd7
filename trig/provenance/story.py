"""The whole story of a picture, from its sub-prompts to the relation it counted in."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import polars as pl

from trig import tables
from trig.errors import ParamsError, TableError
from trig.generate.plan import seed_of
from trig.judge.rubrics import rubrics
from trig.keys import content_key
from trig.params import Params
from trig.provenance.places import Places
from trig.tables import pictures, sources
from trig.tables.diagnostics import DIAGNOSTICS, diagnosed
from trig.tables.images import IMAGES
from trig.tables.made import noted
from trig.tables.prompts import PROMPTS
from trig.tables.relations import RELATIONS
from trig.tables.scores import SCORES
from trig.vocabulary.dimensions import Dimension, Pair, Task

NEAR = 5
"""Names that are told of one that is not there."""
Told = dict[str, Any]


def stories(data_id: str, settings: Params, places: Places, models: Sequence[str], number: int | None) -> Told:
    """All that is known of the pictures of a prompt. Raises TableError where there is no such prompt or picture."""
    asked = tables.read(places.prompts, PROMPTS)
    found = asked.filter(pl.col("data_id") == data_id)
    if found.is_empty():
        near = get_close_matches(data_id, asked["data_id"].unique().sort().to_list(), NEAR)
        raise TableError(f"{places.prompts}: data_id {data_id!r}: no prompt has it; {_near(near, asked)}")
    count = settings.generate.seeds_per_prompt
    if number is not None and not 0 <= number < count:
        raise ParamsError(f"--number: {number}: a prompt has {count} pictures (generate.seeds_per_prompt); choose 0 to {count - 1}")
    numbers = range(count) if number is None else [number]
    told = [_prompt(row, settings, places, models, numbers) for row in found.sort("split", "task").to_dicts()]
    return {"data_id": data_id, "prompts": told, "gates": _gates(places, models), "git": git(), "tables": _notes(told, places, models)}


def _near(near: Sequence[str], asked: pl.DataFrame) -> str:
    return f"near it: {', '.join(near)}" if near else f"they are such as {asked['data_id'][0]}"


def _prompt(row: Told, settings: Params, places: Places, models: Sequence[str], numbers: Sequence[int]) -> Told:
    """A row of the prompts table with its source picture, and its pictures, which training prompts have none of."""
    pair = Pair.parse(row["pair"])
    told = row | {
        "sub_prompts": dict(zip((pair.x.value, pair.y.value), row["sub_prompts"], strict=True)),
        "source": row["source"] and _source(row["source"], places),
    }
    made = [_picture(row, model, number, settings, places) for model in models for number in numbers] if row["split"] == "test" else []
    return told | {"pictures": made}


def _source(name: str, places: Places) -> Told:
    """A source picture: what is told of it."""
    if not tables.shards(places.sources):
        return {"source": name, "here": _absent(places.sources)}
    found = sources.told(places.sources).filter(source=name).drop("image").to_dicts()
    return (found or [{"source": name}])[0] | {
        "here": True if found else "no shard has it",
        "file": str(places.sources / f"{name[0]}.parquet"),
    }


def _picture(row: Told, model: str, number: int, settings: Params, places: Places) -> Told:
    """A picture: where it lies, what painted it, its scores, and the relation it counted in."""
    key = {"task": row["task"], "data_id": row["data_id"], "number": number}
    file = places.images(model) / row["task"] / f"{row['pair']}.parquet"
    seed = seed_of(settings.seed, row["key"], number)
    told: Told = {"model": model, "number": number, "file": str(file), "seed": seed, "here": _absent(file)}
    if file.is_file():
        table = pictures.told(file, IMAGES).with_row_index("row")
        found = table.filter(pl.col("data_id") == row["data_id"], pl.col("number") == number).to_dicts()
        told |= {"here": True} | found[0] if found else {"here": "the shard has no such row; run `dvc repro`"}
    told |= {"weights": _weights(model, places), "scores": list(_scores(key, model, settings, places))}
    return told | {"relation": _relation(row, model, places)}


def _weights(model: str, places: Places) -> Told:
    """What data/zoo says of a model: revision of weights and adapter, and the arguments of its calls."""
    found = _json(places.data / "zoo" / f"{model}.json")
    entry = found.pop("entry", {})
    found.pop("needs", None)  # the entry has it
    return {"revision": found.pop("revision", None), **found, "entry": {name: value for name, value in entry.items() if value is not None}}


def _scores(key: Told, model: str, settings: Params, places: Places) -> Iterator[Told]:
    """Scores of a picture with the judge's probabilities, and the rubric where it is the one of params.yaml."""
    if not places.scores(model).is_file():
        return
    here = [pl.col(name).cast(pl.String) == str(value) for name, value in key.items()]
    scores = tables.read(places.scores(model), SCORES).filter(*here)
    if places.diagnostics(model).is_file():
        scores = diagnosed(scores, tables.read(places.diagnostics(model), DIAGNOSTICS).filter(*here))
    texts = rubrics(settings.judge.rubrics, Task(key["task"]), settings.judge.scale.grades)
    for row in scores.to_dicts():
        text = texts[Dimension(row["dimension"])]
        grades = (row.get("scale") or "").split("/")
        own = {name: value for name, value in row.items() if name not in {*key, "model", "pair"}}
        yield own | {
            "p": row.get("p") and dict(zip(grades, row["p"], strict=True)),
            "rubric_text": text if content_key(rubric=text) == row.get("rubric") else None,
        }


def _relation(row: Told, model: str, places: Places) -> Told | None:
    """The row of the relations table that the picture counted in."""
    if not places.relations.is_file():
        return None
    pair = str(Pair.parse(row["pair"]))
    found = tables.read(places.relations, RELATIONS).filter(model=model)
    return next(iter(found.filter(pl.col("task") == row["task"], pl.col("pair") == pair).to_dicts()), None)


def _gates(places: Places, models: Sequence[str]) -> Told:
    """Gate → whether its table met every expectation; None where it was not checked."""
    names = ("prompts", *(f"{kind}/{model}" for model in models for kind in ("images", "scores")), "relations")
    return {name: _json(places.data / "gates" / f"{name}.json").get("met") for name in names}


def _notes(told: Sequence[Told], places: Places, models: Sequence[str]) -> Told:
    """What the tables say of what made them."""
    files = [places.prompts, *(Path(picture["file"]) for prompt in told for picture in prompt["pictures"])]
    files += [place(model) for model in models for place in (places.scores, places.diagnostics)]
    here = [file for file in dict.fromkeys((*files, places.relations)) if file.is_file()]
    return {str(file): (note := noted(file)) and note.model_dump() for file in here}


def git() -> Told:
    """The commit that is checked out, whether files differ from it, and the last commit that locked results."""
    commit = _said("rev-parse", "HEAD")
    changed = _said("status", "--porcelain", "--untracked-files=no")
    return {
        "commit": commit,
        "changed": None if changed is None else bool(changed),
        "locked": _said("log", "-1", "--format=%H", "--", "dvc.lock"),
    }


def _said(*arguments: str) -> str | None:
    """What git answers; None without git or a repository."""
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, check=True, timeout=60)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()


def _json(file: Path) -> Told:
    try:
        found = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def _absent(file: Path) -> str:
    return f"not here; `dvc pull {file.parts[0] if len(file.parts) < 3 else Path(*file.parts[:3])}` brings it"
