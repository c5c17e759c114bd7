"""The items of a review: prompts, some of them twice, and gold items whose answers are known; and the key that tells them apart."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal, Self

import polars as pl
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from trig.annotate.review import answers
from trig.annotate.review.sheet import Row, read
from trig.errors import ParamsError, TableError
from trig.files import replace
from trig.keys import content_key
from trig.text import blank
from trig.vocabulary.dimensions import Pair, Task, pairs

MOST = 5000
"""Items that one page can hold, and more than a rater can answer."""
APART = 0.5
"""Share of the items that lie at least between a prompt and its repetition."""
GOLD = ("task", "pair", "prompt")
"""Columns that a gold file needs; `source`, `item`, and a column per question may follow."""


class Item(BaseModel):
    """A prompt as raters see it, and what they do not see: its kind, its key, and the known answers of a gold item."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    kind: Literal["prompt", "again", "gold"]
    task: Task
    pair: str
    prompt: str
    item: str | None = None  # s2p: noun phrase of the subject
    source: str | None = None  # content hash of the source picture
    key: str = ""  # of the prompt
    data_id: str = ""
    known: dict[str, str] = {}


class Key(BaseModel):
    """All items in the order in which raters see them. It must not reach the raters."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    review: str  # content hash of the items
    items: list[Item]

    @model_validator(mode="after")
    def _sound(self) -> Self:
        names, prompts = [item.id for item in self.items], {item.key for item in self.of("prompt")}
        if len(set(names)) < len(names):
            raise ValueError("two items have one id")
        for item in self.items:
            if item.kind == "again" and item.key not in prompts:
                raise ValueError(f"item {item.id} repeats a prompt that is not there")
            if item.pair not in map(str, pairs(item.task)):
                raise ValueError(f"item {item.id}: {item.pair!r} is no pair of {item.task}")
            if any(answer not in answers.QUESTIONS.get(question, ()) for question, answer in item.known.items()):
                raise ValueError(f"item {item.id}: a known answer is none")
        return self

    def of(self, kind: Literal["prompt", "again", "gold"]) -> list[Item]:
        """Items of a kind."""
        return [item for item in self.items if item.kind == kind]


def choose(prompts: pl.DataFrame, sample: int | None, seed: int) -> list[Item]:
    """Prompts to review: each key once; `sample`: at most so many per subset and split, the same ones when others change."""
    order = pl.col("key").map_elements(lambda key: content_key(seed=seed, key=key), return_dtype=pl.String)
    rows = prompts.unique("key", keep="first", maintain_order=True).sort(order, maintain_order=True)
    if sample is not None:
        rows = rows.group_by("task", "pair", "split", maintain_order=True).head(sample)
    names = ("task", "pair", "prompt", "item", "source", "key", "data_id")
    return [Item(id=_id(seed, "prompt", row["key"]), kind="prompt", **row) for row in rows.select(names).iter_rows(named=True)]


def gold(path: Path, seed: int) -> list[Item]:
    """Gold items of a CSV file. Raises TableError."""
    return [_gold(row, seed) for row in read(path, GOLD)]


def _gold(row: Row, seed: int) -> Item:
    task, pair, prompt, item, source = (row.cells.get(name, "").strip() for name in (*GOLD, "item", "source"))
    if task not in list(Task):
        raise TableError(f"{row.where}: task {task!r} is unknown; choose one of {', '.join(Task)}")
    if pair not in map(str, pairs(Task(task))):
        raise TableError(f"{row.where}: pair {pair!r} is no pair of {task}; write it as {_canonical(pair)}")
    if blank(prompt):
        raise TableError(f"{row.where}: the prompt is blank; write it")
    if not (found := answers.known(row)):
        raise TableError(f"{row.where}: no answer is known; fill in {', '.join(answers.QUESTIONS)}, or some of them")
    name = _id(seed, "gold", f"{task} {pair} {prompt} {source}")
    return Item(id=name, kind="gold", task=Task(task), pair=pair, prompt=prompt, item=item or None, source=source or None, known=found)


def _canonical(pair: str) -> str:
    try:
        return str(Pair.parse(pair))
    except ParamsError:
        return "IQ-R_TA-S, in the order of the dimensions"


def _id(seed: int, kind: str, name: str) -> str:
    """A name that does not tell the kind; by its letter no spreadsheet program takes it for a number."""
    return f"q{content_key(review=seed, kind=kind, name=name)[:12]}"


def mixed(prompts: Sequence[Item], known: Sequence[Item], repeats: float, seed: int) -> Key:
    """The review: prompts and gold items in an order of their own, and a share of the prompts once more, far behind. Raises ParamsError."""
    order = sorted([*prompts, *known], key=lambda item: _id(seed, "order", item.id))  # sorted by id, repetitions would stand out
    if twice := next((one for one, other in pairwise(order) if one.id == other.id), None):
        raise TableError(f"the gold item {twice.prompt[:60]!r} stands twice; keep one")
    early = [item for item in order[: len(order) // 2] if item.kind == "prompt"]
    places = {item.id: index for index, item in enumerate(order)}
    positions = [(float(index), item) for index, item in enumerate(order)]
    for item in sorted(early, key=lambda item: _id(seed, "draw", item.id))[: round(repeats * len(prompts))]:
        behind = places[item.id] + APART * len(order)
        share = int(_id(seed, "place", item.id)[1:], 16) / 16**12
        again = item.model_copy(update={"id": _id(seed, "again", item.key), "kind": "again"})
        positions.append((behind + share * (len(order) - behind), again))
    items = [item for _, item in sorted(positions, key=lambda found: (found[0], found[1].id))]
    if not prompts:
        raise ParamsError("there is no prompt to review; name a prompts table that has some")
    if len(items) > MOST:
        raise ParamsError(f"{len(items):,} items: a page holds {MOST:,} at most; take fewer with --sample")
    return Key(review=content_key(items=items)[:12], items=items)


def save(key: Key, path: Path) -> None:
    """Write the key. Raises FileError."""
    replace(path, (key.model_dump_json(indent=1) + "\n").encode())


def load(path: Path) -> Key:
    """Read a key. Raises TableError."""
    try:
        return Key.model_validate_json(path.read_bytes())
    except OSError as error:
        raise TableError(f"{path}: it cannot be read ({error.strerror}); name the key.json that `trig review export` wrote") from None
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise TableError(f"{path}: {where}: {first['msg'].lower()}; name the key.json that `trig review export` wrote") from None


def subsets(items: Iterable[Item]) -> Mapping[tuple[str, str], int]:
    """(task, pair) → items."""
    found: dict[tuple[str, str], int] = {}
    for item in items:
        found[item.task, item.pair] = found.get((item.task, item.pair), 0) + 1
    return found
