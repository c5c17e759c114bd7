"""The sections `tunings` and `finetune`."""

from typing import Annotated

from pydantic import Field, field_validator

from trig.errors import ParamsError
from trig.params.section import Section
from trig.params.values import Batch, Name, Share, at_most
from trig.vocabulary.dimensions import Pair

WEAKEST = "weakest"


class Tuning(Section):
    """A model that fine-tuning writes; its name is that of its entry, and of its model."""

    base: Name  # the model it is tuned from


class Finetune(Section):
    """How the weakest pair is repaired."""

    pair: str  # `weakest`, or a pair such as TA-C_TA-S
    min_keep_share: Share  # a pair is only repaired when at least this share of the base's pictures could be learned from
    candidates: Annotated[int, Field(ge=1), at_most(1_000_000, "each is painted and judged first")]  # pictures generated to choose from
    keep_above: Share  # both scores of a kept picture are at least this
    max_gap: Share  # and differ by at most this
    rank: Annotated[int, Field(ge=1), at_most(4_096, "no layer has more to adapt")]
    steps: Annotated[int, Field(ge=1), at_most(10_000_000, "no adapter learns so long")]
    batch_size: Batch
    learning_rate: Annotated[float, Field(gt=0), at_most(1, "AdamW moves every weight by about so much in each step")]

    @field_validator("pair")
    @classmethod
    def _named(cls, pair: str) -> str:
        try:
            return pair if pair == WEAKEST else str(Pair.parse(pair))
        except ParamsError as error:
            raise ValueError(str(error)) from None
