"""The sections `tunings` and `finetune`."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any, Literal, Self, TypeAlias, cast, get_args

from pydantic import Field, ValidationInfo, field_validator

from trig.errors import ParamsError
from trig.params.section import Section
from trig.params.thresholds import Limits
from trig.params.values import AT_ONCE, Batch, Name, Share, at_most
from trig.vocabulary.dimensions import Dimension, Pair, Task

AUTO, RANDOM = "auto", "random"
LossName: TypeAlias = Literal["sft", "dpo", "mapo", "kto", "rankdpo", "tdpo"]
"""Training objectives, each a module of trig/backends/losses."""
GradientName: TypeAlias = Literal["flow-grpo", "ddpo", "refl"]
"""Policy gradients, which learn from what the adapter itself paints, each a trainer of trig/backends/trainers."""
JudgeReward: TypeAlias = Literal["mean", "minimum", "win_rate"]
"""Rewards of the judge."""
Differentiable: TypeAlias = Literal["saturation"]
"""Rewards with a gradient, each a function of trig/backends/gradients/rewards.py."""
PolicyName: TypeAlias = Literal["threshold", "best_of_n", "dominance", "pareto", "angle", "vote", "corrupt", "group"]
"""Policies that choose lessons, each a module of trig/finetune/policies."""
Form: TypeAlias = Literal["samples", "labelled samples", "pairs", "lists", "texts", "groups"]
"""What a lesson is: a good picture; a good or a bad one; a better and a worse; several, ranked; one picture with a true and a corrupted prompt; all
pictures of a prompt that is painted anew."""
POLICIES: tuple[PolicyName, ...] = get_args(PolicyName)
TAKES: Mapping[LossName | GradientName, Form] = MappingProxyType(
    {
        "sft": "samples",
        "kto": "labelled samples",
        "dpo": "pairs",
        "mapo": "pairs",
        "rankdpo": "lists",
        "tdpo": "texts",
        "flow-grpo": "groups",
        "ddpo": "groups",
        "refl": "groups",
    }
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
        "group": ("groups",),
    }
)
BETA: Mapping[LossName, float] = MappingProxyType({"dpo": 1000.0, "mapo": 0.1, "kto": 1000.0, "rankdpo": 1000.0, "tdpo": 1000.0})
"""Weight of the preference against the reference, or in mapo against the denoising error, where params.yaml says null. A loss that prefers nothing has none."""
SOFT: tuple[LossName, ...] = ("dpo", "mapo")
"""Losses whose labels may be probabilities."""


class Tuning(Section):
    """A fine-tuned model; its key is also its key in `models`."""

    base: Name  # base model
    finetune: dict[str, Any] = Field(default_factory=dict)  # keys of the section finetune in which it differs


class Gradient(Section):
    """What a policy gradient paints and is rewarded for in each step."""

    reward: (
        JudgeReward | Differentiable
    )  # flow-grpo: of both dimensions' expected scores, or the win rate in the group; refl: one with a gradient
    prompts: Annotated[int, Field(ge=1), AT_ONCE]  # painted in a step
    group: Annotated[int, Field(ge=2), AT_ONCE]  # pictures of each, that are compared
    sampler_steps: Annotated[int, Field(ge=2), at_most(1_000, "no model was trained on more noise levels")]
    noise: Annotated[float, Field(gt=0), at_most(2, "steps would overshoot the noise that they remove")]
    window: Annotated[int, Field(ge=1)] | None  # steps with noise, which are learnt from; null: all but the last
    clip: Annotated[float, Field(gt=0, lt=1)]  # most that a probability ratio counts beside 1
    kl: Annotated[float, Field(ge=0), at_most(1_000_000, "the adapter would stay its base")]
    updates: Annotated[int, Field(ge=1), at_most(1_000, "what was painted is of another adapter by then")]  # on what a step painted

    @field_validator("window")
    @classmethod
    def _inside(cls, window: int | None, info: ValidationInfo) -> int | None:
        if window is not None and window >= (steps := info.data.get("sampler_steps", window + 1)):
            raise ValueError(f"{window!r}: the last of {steps} sampler_steps has no noise; set at most {steps - 1}, or null")
        return window

    @property
    def judge_reward(self) -> JudgeReward:
        """The reward, where it is the judge's."""
        assert self.reward != "saturation"
        return self.reward

    @property
    def differentiable(self) -> Differentiable:
        """The reward, where it has a gradient."""
        assert self.reward == "saturation"
        return self.reward


class Watch(Section):
    """What is looked at while an adapter learns, so that a training that goes astray ends early: pictures of train prompts with seeds of their own."""

    every: (
        Annotated[int, Field(ge=1), at_most(10_000_000, "no training has so many steps")] | None
    )  # steps between looks; null: nobody looks
    pictures: Annotated[int, Field(ge=2), at_most(10_000, "they are painted and judged at each look")]
    max_drift: Annotated[
        float, Field(gt=0), at_most(1_000, "no figure moves so far")
    ]  # of the mean of a weight-free figure, in standard deviations of the base's pictures
    max_fall: Share  # of the mean of a dimension that is no target, with an interval below 0


class Finetune(Section):
    """LoRA fine-tuning that repairs pairs of dimensions."""

    targets: Literal["auto", "random"] | list[str]  # what the map promises most of; a control; or pairs such as TA-C_TA-S, learnt together
    task: Annotated[Task, Field(strict=False)]  # lessons are of its train prompts
    min_keep_share: Share  # minimum share of the base's images that qualify as training data; below it a pair is skipped
    candidates: Annotated[int, Field(ge=1), at_most(1_000_000, "each is painted and judged first")]  # images generated to select from
    prompts: (
        Annotated[int, Field(ge=1), at_most(1_000_000, "each is painted several times")] | None
    )  # train prompts they are of, of all pairs that share a dimension with the target; null: those of the pair
    keep_above: Share  # minimum of both scores of a training image
    max_gap: Share  # maximum gap between them
    policy: PolicyName  # how lessons are chosen from the judged images
    loss: LossName | GradientName
    beta: Annotated[float, Field(gt=0), at_most(1_000_000, "every preference would be saturated")] | None  # null: BETA
    soft_labels: bool  # pairs count by the probability that the winner is preferred, and not as certain
    weighted: bool  # lessons count by confidence and agreement of the scorers
    dimension_weights: dict[
        str, Annotated[float, Field(ge=0), at_most(1_000, "lessons of other dimensions would count for nothing")]
    ]  # a pair of images counts by those of the dimensions it gains on; one that is not named counts 1
    guard: (
        Share | None
    )  # a candidate may be worse by so much than its prompt's mean on a dimension beside the pair; null: these are not judged
    min_gain: Share  # minimum by which a winner is better on one of the two dimensions
    max_angle: Annotated[float, Field(gt=0, le=90)]  # policy angle: degrees between the change and the weak axis
    list_length: Annotated[int, Field(ge=2), at_most(64, "all are in a batch together")]  # images of a list
    rank: Annotated[int, Field(ge=1), at_most(4_096, "no layer has more to adapt")]
    steps: Annotated[int, Field(ge=1), at_most(10_000_000, "no adapter learns so long")]
    batch_size: Batch
    accumulation: Annotated[int, Field(ge=1), AT_ONCE]  # batches whose gradients make one step
    gradient_checkpointing: bool  # the forward pass is computed again for gradients: less memory, about a third more time
    ema: (
        Annotated[float, Field(gt=0, lt=1)] | None
    )  # decay of the moving average of adapter weights, which is what is saved; null: the last weights
    learning_rate: Annotated[float, Field(gt=0), at_most(1, "AdamW moves every weight by about so much in each step")]
    gradient: Gradient  # of flow-grpo, ddpo and refl
    watch: Watch
    map: Limits

    @field_validator("targets")
    @classmethod
    def _named(cls, targets: str | list[str]) -> str | list[str]:
        if isinstance(targets, str):
            return targets
        if not targets:
            raise ValueError(f"[]: name a pair such as TA-C_TA-S, or set {AUTO}")
        try:
            found = [str(Pair.parse(pair)) for pair in targets]
        except ParamsError as error:
            raise ValueError(str(error)) from None
        if twice := [pair for pair in found if found.count(pair) > 1]:
            raise ValueError(f"{twice[0]!r} is named twice; name each pair once")
        return found

    @field_validator("loss")
    @classmethod
    def _takes_what_the_policy_gives(cls, loss: LossName | GradientName, info: ValidationInfo) -> LossName | GradientName:
        if (policy := info.data.get("policy")) is None or TAKES[loss] in (gives := GIVES[policy]):
            return loss
        policies, losses = (name for name in GIVES if TAKES[loss] in GIVES[name]), (name for name in TAKES if TAKES[name] in gives)
        raise ValueError(
            f"{loss!r} learns from {TAKES[loss]}, and policy {policy!r} gives {' or '.join(gives)}; set policy to {' or '.join(policies)}, or loss to"
            f" {' or '.join(losses)}"
        )

    @field_validator("loss")
    @classmethod
    def _paints_no_edits(cls, loss: LossName | GradientName, info: ValidationInfo) -> LossName | GradientName:
        if TAKES[loss] == "groups" and (task := info.data.get("task")) not in {None, Task.T2I}:
            raise ValueError(
                f"{loss!r} paints prompts without source pictures, and finetune.task is {str(task)!r}; set it to t2i, or loss to sft"
            )
        return loss

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

    @field_validator("accumulation")
    @classmethod
    def _gathers_already(cls, accumulation: int, info: ValidationInfo) -> int:
        if accumulation > 1 and info.data.get("loss") in get_args(GradientName):
            raise ValueError(f"{accumulation!r}: {info.data['loss']} gathers gradients over all that a step paints; set 1")
        return accumulation

    @field_validator("gradient")
    @classmethod
    def _rewards(cls, gradient: Gradient, info: ValidationInfo) -> Gradient:
        loss, of_judge, others = info.data.get("loss"), get_args(JudgeReward), get_args(Differentiable)
        if loss == "refl" and gradient.reward in of_judge:
            raise ValueError(
                f"reward: {gradient.reward!r}: refl follows the gradient of a reward, and the judge's scores have none; set {' or '.join(others)}, or loss"
                f" to flow-grpo or ddpo"
            )
        if loss in ("flow-grpo", "ddpo") and gradient.reward not in of_judge:
            raise ValueError(f"reward: {gradient.reward!r}: {loss} learns from the judge; set {', '.join(of_judge)}, or loss to refl")
        if loss == "ddpo" and gradient.noise > 1:
            raise ValueError(f"noise: {gradient.noise!r}: a step of ddpo has no more noise than the diffusion; set at most 1, as published")
        return gradient

    def differing(self, said: dict[str, Any]) -> Self:
        """The same but for these keys, sections within it key by key. Raises ValidationError."""
        whole = self.model_dump()
        for name, value in said.items():
            inner = isinstance(value, dict) and isinstance(whole.get(name), dict) and name != "dimension_weights"
            whole[name] = {**whole[name], **value} if inner else value
        return type(self).model_validate(whole) if said else self

    @property
    def objective(self) -> LossName:
        """The loss that learns from lessons."""
        assert self.loss not in get_args(GradientName)
        return cast(LossName, self.loss)

    @property
    def strength(self) -> float:
        """The loss's beta; 0 where it has none."""
        return {**BETA}.get(self.objective, 0.0) if self.beta is None else self.beta

    @property
    def form(self) -> Form:
        """What a lesson is."""
        return TAKES[self.loss]
