"""What a run of the judge would ask and what it would cost, told before a picture or a prompt is sent."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from math import ceil

import polars as pl
from PIL import Image

from trig.judge.album import Album
from trig.judge.ask import REFUSED, SHELF, Call, read
from trig.judge.pictures import Size
from trig.params.judge import Price
from trig.store import Store
from trig.tables.images import IMAGES, PICTURE

UNPAINTED = ""
"""The key of a picture that stands in for one that is still to be made."""
CHARACTERS, PIXELS = 4, 28**2
"""Of a token, where nothing better is known of the judge."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The questions of a run by their keys, each in one of three places. Equal questions are one, as they are when they are asked."""

    known: frozenset[str]  # the work store has the answer
    refused: frozenset[str]  # refused for good, and not asked again; or about a picture that its model refused to give
    asked: Mapping[str, int]  # to be asked → prompt tokens, estimated
    unpainted: int  # how many are about pictures that are still to be made; more than 0 makes the other figures upper bounds

    @property
    def calls(self) -> int:
        """All questions of the run."""
        return len(self.known) + len(self.refused) + len(self.asked)

    @property
    def tokens(self) -> int:
        """Prompt tokens of the questions to be asked, estimated, without those that the chat template adds."""
        return sum(self.asked.values())

    def usd(self, price: Price | None, answers: int) -> float | None:
        """What these cost in US dollars when each is answered at the first try, in so many tokens of `answers`; None where there is no price."""
        return None if price is None else (self.tokens * price.prompt + len(self.asked) * answers * price.completion) / 1e6


def plan(found: Sequence[Call], store: Store, tokens: Callable[[Call], int]) -> Plan:
    """What `answer` would do with these calls; `tokens` estimates the length of a question."""
    calls = {_key(call): call for call in found}
    known = store.known(SHELF, calls)
    missing = {key for key, call in calls.items() if call.shown.missing is not None}
    refused = {key for key, said in store.get(REFUSED, calls).items() if read(said)["final"]} - known | missing
    asked = {key: tokens(call) for key, call in calls.items() if key not in known | refused}
    unpainted = {_key(call) for call in found if call.row["image_key"] == UNPAINTED}
    return Plan(frozenset(known), frozenset(refused), asked, len(unpainted))


def _key(call: Call) -> str:
    """The call's key; a picture that is still to be made is no other model's, though both stand-ins are blank."""
    return call.key if call.row["image_key"] != UNPAINTED else f"{call.row['model']} {call.key}"


def together(plans: Sequence[Plan]) -> Plan:
    """Several runs, one after the other: what one has asked, the next one knows."""
    return Plan(
        frozenset[str]().union(*(each.known for each in plans)),
        frozenset[str]().union(*(each.refused for each in plans)),
        {key: tokens for each in plans for key, tokens in each.asked.items()},
        sum(each.unpainted for each in plans),
    )


def pictured(wanted: pl.DataFrame, made: Album, model: str, width: int, height: int) -> Album:
    """The pictures of the wanted prompts. A blank one of width × height pixels stands in for each that is still to be made."""
    left = wanted.join(made.names, on=["task", "data_id"], how="anti").select("task", "pair", "data_id")
    blank = pl.Series("image", [{"bytes": _blank(width, height), "path": "blank.png"}] * left.height, PICTURE)
    stand_ins = left.with_columns(
        blank,
        pl.lit(model).alias("model"),
        pl.lit(UNPAINTED).alias("key"),
        pl.lit(0, pl.UInt64).alias("seed"),
        pl.lit(0, pl.Int32).alias("number"),
        pl.lit(width, pl.Int32).alias("width"),
        pl.lit(height, pl.Int32).alias("height"),
        pl.lit("ok").alias("status"),
        *(pl.lit(None).alias(name) for name in ("reason", "engine", "prompt_tokens", "tokens_read")),
    )
    return Album((*made.parts, stand_ins.select(list(IMAGES.columns))))


def _blank(width: int, height: int) -> bytes:
    out = BytesIO()
    Image.new("L", (width, height)).save(out, "PNG")
    return out.getvalue()


def length(text: str, sizes: Sequence[Size | None], words: Callable[[str], int | None], shown: Callable[[int, int], int] | None) -> int:
    """The tokens of a question with pictures of these sizes, estimated, without those that the chat template adds.

    `words` counts the tokens of a text, or gives None where the tokenizer is not known; `shown` those of a picture of so many pixels,
    width and height, and is None where that is not known. A picture that cannot be read has none: the judge refuses it.
    """
    said = words(text)
    pictures = (shown(*size) if shown else ceil(size[0] * size[1] / PIXELS) for size in sizes if size is not None)
    return (ceil(len(text) / CHARACTERS) if said is None else said) + sum(pictures)
