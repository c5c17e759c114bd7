"""The sections `tunings` and `finetune`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Literal, TypeAlias, get_args

from pydantic import Field, ValidationInfo, field_validator

from trig.errors import ParamsError
from trig.params.section import Section
from trig.params.values import Batch, Name, Share, at_most
from trig.vocabulary.dimensions import Dimension, Pair

WEAKEST = "weakest"
LossName: TypeAlias = Literal["sft", "dpo", "mapo", "kto", "rankdpo", "tdpo"]
"""Training objectives, each a module of trig/backends/losses."""
PolicyName: TypeAlias = Literal["threshold", "best_of_n", "dominance", "pareto", "angle", "vote", "corrupt"]
"""Policies that choose lessons, each a module of trig/finetune/policies."""
Form: TypeAlias = Literal["samples", "labelled samples", "pairs", "lists", "texts"]
"""What a lesson is: a good picture; a good or a bad one; a better and a worse; several, ranked; one picture with a true and a corrupted prompt."""
POLICIES: tuple[PolicyName, ...] = get_args(PolicyName)
TAKES: Mapping[LossName, Form] = MappingProxyType(
    {"sft": "samples", "kto": "labelled samples", "dpo": "pairs", "mapo": "pairs", "rankdpo": "lists", "tdpo": "texts"}
)
GIVES: Mapping[PolicyName, tuple[Form, ...]] = MappingProxyType(
    {
        "threshold": ("samples", "labelled samples"),
        "best_of_n": ("samples", "labelled samples", "pairs", "lists"),
        "dominance": ("pairs",),
        "pareto": ("pairs",),
        "angle": ("pairs",),
        "vote": ("pairs",),
        "corrupt": ("texts",),
    }
)
BETA: Mapping[LossName, float] = MappingProxyType({"dpo": 1000.0, "mapo": 0.1, "kto": 1000.0, "rankdpo": 1000.0, "tdpo": 1000.0})
"""Weight of the preference against the reference, or in mapo against the denoising error, where params.yaml says null. Sft has none."""
SOFT: tuple[LossName, ...] = ("dpo", "mapo")
"""Losses whose labels may be probabilities."""


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
    policy: PolicyName  # how lessons are chosen from the judged images
    loss: LossName
    beta: Annotated[float, Field(gt=0), at_most(1_000_000, "every preference would be saturated")] | None  # null: BETA
    soft_labels: bool  # pairs count by the probability that the winner is preferred, and not as certain
    weighted: bool  # lessons count by confidence and agreement of the scorers
    dimension_weights: dict[
        str, Annotated[float, Field(ge=0), at_most(1_000, "lessons of other dimensions would count for nothing")]
    ]  # a pair of images counts by those of the dimensions it gains on; one that is not named counts 1
    min_gain: Share  # minimum by which a winner is better on one of the two dimensions
    max_angle: Annotated[float, Field(gt=0, le=90)]  # policy angle: degrees between the change and the weak axis
    list_length: Annotated[int, Field(ge=2), at_most(64, "all are in a batch together")]  # images of a list
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

    @field_validator("loss")
    @classmethod
    def _takes_what_the_policy_gives(cls, loss: LossName, info: ValidationInfo) -> LossName:
        if (policy := info.data.get("policy")) is None or TAKES[loss] in (gives := GIVES[policy]):
            return loss
        policies, losses = (name for name in GIVES if TAKES[loss] in GIVES[name]), (name for name in TAKES if TAKES[name] in gives)
        raise ValueError(
            f"{loss!r} learns from {TAKES[loss]}, and policy {policy!r} gives {' or '.join(gives)}; set policy to {' or '.join(policies)}, or loss to"
            f" {' or '.join(losses)}"
        )

    @field_validator("beta")
    @classmethod
    def _has_beta(cls, beta: float | None, info: ValidationInfo) -> float | None:
        if beta is not None and info.data.get("loss") not in {None, *BETA}:
            raise ValueError(f"{beta!r}: {info.data['loss']} has no beta; set null")
        return beta

    @field_validator("soft_labels")
    @classmethod
    def _has_labels(cls, soft: bool, info: ValidationInfo) -> bool:
        if soft and info.data.get("loss") not in {None, *SOFT}:
            raise ValueError(f"{soft!r}: {info.data['loss']} has no labels of pairs; set false, or loss to {' or '.join(SOFT)}")
        return soft

    @field_validator("dimension_weights")
    @classmethod
    def _dimensions(cls, weights: dict[str, float], info: ValidationInfo) -> dict[str, float]:
        if unknown := weights.keys() - {dimension.value for dimension in Dimension}:
            raise ValueError(f"{min(unknown)!r} is no dimension; choose of {', '.join(Dimension)}")
        if weights and (loss := info.data.get("loss")) and TAKES[loss] != "pairs":
            raise ValueError(f"{weights!r}: {loss} learns from no pairs of pictures; set {{}}, or loss to dpo or mapo")
        return weights

    @property
    def strength(self) -> float:
        """The loss's beta; 0 where it has none."""
        return BETA.get(self.loss, 0.0) if self.beta is None else self.beta

    @property
    def form(self) -> Form:
        """What a lesson is."""
        return TAKES[self.loss]
