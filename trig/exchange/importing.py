"""Imports published records: one prompt each, in canonical order, with copies and edits resolved to their parents."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from trig.errors import TableError
from trig.exchange.album import Album
from trig.exchange.reading import Found
from trig.exchange.record import Row, parent_pair, parsed
from trig.keys import prompt_key
from trig.protocols.refusal import Refusal
from trig.tables.prompts import PROMPTS
from trig.tables.published import PUBLISHED
from trig.text import blank
from trig.vocabulary.dimensions import Task

LABEL = "published: "
"""Begins the annotator of an imported prompt; the published annotation follows."""
NEW = "New"
"""Dataset of texts that were written for the benchmark."""
ORDER = {task.value: index for index, task in enumerate(Task)}
Id = tuple[str, str]
"""Task and canonical data_id."""


@dataclass(frozen=True, slots=True)
class Imported:
    """Tables of an imported benchmark, and what a person should know of it."""

    prompts: pl.DataFrame
    published: pl.DataFrame
    sources: pl.DataFrame
    notes: list[str]


def imported(found: Iterable[Found], album: Album) -> Imported:
    """The tables. Raises TableError for a malformed record; a row without a usable prompt or picture has a reason and no prompt."""
    rows: dict[Id, Row] = {}
    sources: dict[Id, str | None] = {}
    for each in found:
        row = parsed(each.record, each.task, each.where)
        key = (row["task"], row["data_id"])
        if key in rows:
            other = rows[key]["published_id"]
            raise TableError(f"{each.where}: data_id: {row['published_id']} stands for the same {each.task} row as {other}; rename one")
        picture = None if each.task is Task.T2I else _picture(each, row, album)
        refused = Refusal("its prompt is blank") if blank(row["prompt"]) else picture
        if isinstance(refused, Refusal):
            row["reason"] = refused.reason
        rows[key], sources[key] = row, None if isinstance(picture, Refusal) else picture
    if not any(row["reason"] is None for row in rows.values()):
        raise TableError(
            f"no row can be taken: {_counted(rows.values()) or 'the files are empty'}; correct the files, or name the pictures by --images"
        )
    rows = dict(sorted(rows.items(), key=lambda each: ORDER[each[0][0]]))
    parents = _parents(rows)
    prompts = [_prompt(row, key, sources[key], rows, parents) for key, row in rows.items() if row["reason"] is None]
    return Imported(
        pl.DataFrame(prompts, schema=dict(PROMPTS.columns)),
        pl.DataFrame(list(rows.values()), schema=dict(PUBLISHED.columns)),
        album.table(sources),
        list(_notes(rows, parents)),
    )


def _picture(each: Found, row: Row, album: Album) -> str | Refusal:
    item = row["item"] if each.task is Task.S2P else None
    if each.picture is not None:
        return album.add(each.picture, row["img_id"] or row["data_id"], item)
    return album.named(row["img_id"], each.task, each.file.parent, item)


def _parents(rows: Mapping[Id, Row]) -> dict[Id, str]:
    """data_id of the parent: `<A, B>` means the same number in that subset, imported or not. Raises TableError for a circle."""
    parents: dict[Id, str] = {}
    for (task, data_id), row in rows.items():
        if pair := parent_pair(row["parent_dataset"][0], data_id):
            parents[task, data_id] = f"{pair}_{data_id.rpartition('_')[2]}"
    for task, data_id in parents:
        above, seen = data_id, {data_id}
        while next_above := parents.get((task, above)):
            if next_above in seen:
                raise TableError(
                    f"{task} {data_id}: parent_dataset: {rows[task, data_id]['parent_dataset'][0]!r} leads back to it; name a root"
                )
            seen.add(above := next_above)
    return parents


def _root(key: Id, parents: Mapping[Id, str]) -> Id:
    task, data_id = key
    while above := parents.get((task, data_id)):
        data_id = above
    return task, data_id


def _prompt(row: Row, key: Id, source: str | None, rows: Mapping[Id, Row], parents: Mapping[Id, str]) -> dict[str, object]:
    task, data_id = key
    pair = data_id.rpartition("_")[0]
    root = _root(key, parents)
    canonical = row["dimensions"] == pair.split("_")
    return {
        "task": task,
        "pair": pair,
        "data_id": data_id,
        "prompt": row["prompt"],
        "sub_prompts": row["sub_prompts"] if canonical else row["sub_prompts"][::-1],
        "caption": (rows[root]["img_id"] if root in rows else None) or root[1],
        "route": _route(row, rows.get((task, parents.get(key, ""))), key in parents),
        "template": None,
        "annotator": LABEL + row["parent_dataset"][1],
        "parent": parents.get(key),
        "item": row["item"] if task == Task.S2P else None,
        "source": source,
        "split": "test",
        "key": prompt_key(task, row["prompt"], source),
    }


def _route(row: Row, parent: Row | None, child: bool) -> str:
    """How the text was written, as far as the published annotation tells."""
    source, annotation = row["parent_dataset"]
    if annotation == "Origin" and child:
        return "copy" if parent is None or parent["prompt"] == row["prompt"] else "refine"
    if annotation == "Auto":
        return "expand" if source == NEW else "refine"
    return "combine"


def _notes(rows: Mapping[Id, Row], parents: Mapping[Id, str]) -> Iterable[str]:
    if refused := _counted(rows.values()):
        yield f"rows without a prompt: {refused}"
    if turned := sum(row["published_id"] != row["data_id"] for row in rows.values()):
        yield f"rows with their dimensions put into canonical order: {turned}"
    if away := sum((task, above) not in rows for (task, _), above in parents.items()):
        yield f"copies and edits of a prompt that is not there: {away}"
    changed = [
        key[1]
        for key, row in rows.items()
        if row["parent_dataset"][1] == "Origin" and _differs(row, rows.get((key[0], parents.get(key, ""))))
    ]
    if changed:
        yield f"rows that call themselves copies and have another text than their parent: {len(changed)}, {changed[0]} first"


def _differs(row: Row, parent: Row | None) -> bool:
    return parent is not None and parent["prompt"] != row["prompt"]


def _counted(rows: Iterable[Row]) -> str:
    """Reasons, each with its count."""
    reasons = Counter(row["reason"] for row in rows if row["reason"])
    return ", ".join(f"{count} × {reason}" for reason, count in reasons.most_common())
