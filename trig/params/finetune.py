"""The sections `tunings` and `finetune`."""

from typing import Annotated, Literal, TypeAlias

from pydantic import Field, field_validator

from trig.errors import ParamsError
from trig.params.section import Section
from trig.params.values import Batch, Name, Share, at_most
from trig.vocabulary.dimensions import Pair

WEAKEST = "weakest"
LossName: TypeAlias = Literal["sft"]
"""Training objectives, each a module of trig/backends/losses."""


class Tuning(Section):
    """A fine-tuned model; its key is also its key in `models`."""

    base: Name  # base model


class Finetune(Section):
    """LoRA fine-tuning on the weakest pair."""

    pair: str  # `weakest`, or a pair such as TA-C_TA-S
    min_keep_share: Share  # minimum share of the base's images that qualify as training data; below it a pair is skipped
    candidates: Annotated[int, Field(ge=1), at_most(1_000_000, "each is painted and judged first")]  # images generated to select from
    keep_above: Share  # minimum of both scores of a training image
    max_gap: Share  # maximum gap between them
    loss: LossName
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
