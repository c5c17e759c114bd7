"""A published record: checked when read, and written with the published names in the published order."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any, NoReturn, TypedDict

from trig.errors import ParamsError, TableError
from trig.vocabulary.dimensions import Dimension, Pair, Task, dimension, pairs

NAMES = {
    Task.T2I: ("data_id", "prompt", "dimension_prompt", "img_id", "dimension", "parent_dataset"),
    Task.P2P: ("data_id", "prompt", "dimension_prompt", "parent_dataset", "img_id", "dimensions"),
    Task.S2P: ("data_id", "item", "prompt", "dimension_prompt", "parent_dataset", "img_id", "dimensions"),
}
"""Fields of a record in the JSON layout, in order."""
OPTIONAL = ("item", "img_id", "target_group", "text")
DIMENSIONS = ("dimension", "dimensions")
"""Names of one field: that of the task's layout counts where a record has both, and the other is a field like any."""
PICTURE = "image"
EXTRA = "extra_fields"
"""Column of a parquet file that holds fields without a column, as a JSON object."""
DEEPEST = 100
"""Levels of lists and objects in a record."""
ANNOTATIONS = ("Origin", "Auto", "Human")
"""Who wrote the text: untouched, a language model, a person."""
ID = re.compile(r"([A-Z-]+_[A-Z-]+)_([1-9]\d*)", re.ASCII)
PARENT = re.compile(r"<\s*([A-Z-]+)\s*,\s*([A-Z-]+)\s*>")


class Row(TypedDict):
    """A row of the published table."""

    task: str
    data_id: str
    published_id: str
    dimensions: list[str]
    prompt: str
    sub_prompts: list[str]
    parent_dataset: list[str]
    item: str | None
    img_id: str | None
    target_group: str | None
    text: str | None
    extra: str | None
    reason: str | None


def parsed(record: object, task: Task, where: str) -> Row:
    """Checks a record. Raises TableError, naming the field."""
    if not isinstance(record, Mapping):
        raise TableError(f"{where}: not a record but {type(record).__name__}; write an object with the fields {', '.join(NAMES[task])}")
    if _deep(record):
        raise TableError(f"{where}: it is nested more than {DEEPEST} deep; write what it holds on fewer levels")
    own = [each for each in NAMES[task] if each in DIMENSIONS]
    name = next((each for each in (*own, *DIMENSIONS) if each in record), "dimensions")
    written = _two(record, name, where)
    x, y = (_dimension(code, f"{where}: {name}") for code in written)
    if x == y or (pair := Pair.of(x, y)) not in pairs(task):
        raise TableError(f"{where}: {name}: {task} has no subset {x}_{y}; name two of its dimensions")
    data_id = _text(record, "data_id", where)
    matched = ID.fullmatch(data_id)
    if not matched or matched[1] not in (f"{x}_{y}", f"{y}_{x}"):
        raise TableError(f"{where}: data_id: {data_id!r} does not go with {name} {x} and {y}; write {x}_{y}_ and a number from 1")
    source, annotation = parents = _two(record, "parent_dataset", where)
    if annotation not in ANNOTATIONS:
        raise TableError(f"{where}: parent_dataset: annotation {annotation!r} is unknown; choose one of {', '.join(ANNOTATIONS)}")
    parent_pair(source, where)
    if task is Task.S2P:
        _text(record, "item", where)
    return {
        "task": task.value,
        "data_id": f"{pair}_{matched[2]}",
        "published_id": data_id,
        "dimensions": written,
        "prompt": _text(record, "prompt", where),
        "sub_prompts": _two(record, "dimension_prompt", where),
        "parent_dataset": parents,
        "item": _optional(record, "item", where),
        "img_id": _optional(record, "img_id", where),
        "target_group": _optional(record, "target_group", where),
        "text": _optional(record, "text", where),
        "extra": _extra(record, (*NAMES[task], name), where),
        "reason": None,
    }


def written(row: Row) -> dict[str, Any]:
    """The record of a row in the JSON layout. In the other layout the name of `dimension` and the order differ."""
    fields: dict[str, Any] = {
        **row,
        "data_id": row["published_id"],
        "dimension": row["dimensions"],
        "dimension_prompt": row["sub_prompts"],
    }
    names = dict.fromkeys((*NAMES[Task(row["task"])], *OPTIONAL))
    extra = extra_fields(row["extra"], f"{row['task']} {row['data_id']}")
    return {name: fields[name] for name in names if fields[name] is not None} | extra


def loaded(text: str) -> Any:
    """Parsed JSON. Raises ValueError, also for NaN and infinity."""
    return json.loads(text, parse_constant=_no_number)


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


def extra_fields(text: object, where: str) -> dict[str, Any]:
    """The JSON object in a cell. Raises TableError."""
    try:
        extra = loaded(text or "{}") if isinstance(text, str | None) else None
    except (ValueError, RecursionError):
        extra = None
    if not isinstance(extra, dict):
        raise TableError(f"{where}: {EXTRA}: no text of a JSON object; write one, or leave the column out")
    return extra


def parent_pair(source: str, where: str) -> Pair | None:
    """The subset that `<A, B>` names; None for the name of a dataset."""
    if not (named := PARENT.fullmatch(source.strip())):
        return None
    try:
        return Pair.of(dimension(named[1]), dimension(named[2]))
    except ParamsError as error:
        raise TableError(f"{where}: parent_dataset: {source!r}: {error}") from None


def _dimension(code: str, where: str) -> Dimension:
    try:
        return dimension(code)
    except ParamsError as error:
        raise TableError(f"{where}: {error}") from None


def _text(record: Mapping[str, object], name: str, where: str) -> str:
    if name not in record:
        raise TableError(f"{where}: {name}: missing; give this field to every row")
    return _valid(record[name], name, where)


def _two(record: Mapping[str, object], name: str, where: str) -> list[str]:
    if name not in record:
        raise TableError(f"{where}: {name}: missing; give this field to every row")
    value = record[name]
    if not isinstance(value, list) or len(value) != 2:
        raise TableError(f"{where}: {name}: {_shown(value)} is no list of two texts; write two")
    return [_valid(each, name, where) for each in value]


def _optional(record: Mapping[str, object], name: str, where: str) -> str | None:
    return _valid(record[name], name, where) if isinstance(record.get(name), str) else None


def _valid(value: object, name: str, where: str) -> str:
    if not isinstance(value, str):
        raise TableError(f"{where}: {name}: {_shown(value)} is no text; write one")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise TableError(f"{where}: {name}: {_shown(value)} holds half a character (a lone surrogate); write it anew") from None
    return value


def _extra(record: Mapping[str, object], known: tuple[str, ...], where: str) -> str | None:
    """JSON of the fields that no column holds."""
    columns = {*known} - set(OPTIONAL)
    extra = {name: value for name, value in record.items() if name not in columns and not (name in OPTIONAL and isinstance(value, str))}
    try:
        json.dumps(extra, ensure_ascii=False).encode()
        return json.dumps(extra, sort_keys=True, allow_nan=False) if extra else None
    except (TypeError, ValueError) as error:
        raise TableError(f"{where}: {_shown(list(extra))}: {error}; leave out what JSON cannot hold") from None


def _deep(value: object) -> bool:
    level = [value]
    for _ in range(DEEPEST):
        level = [child for each in level for child in _children(each)]
        if not level:
            return False
    return True


def _children(value: object) -> Iterable[object]:
    if isinstance(value, Mapping):
        return value.values()
    return value if isinstance(value, list) else ()


def _shown(value: object) -> str:
    text = ascii(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
