"""`params.yaml` as a checked value. Every number of the pipeline lives there; nothing here has a default."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, ValidationError, field_validator, model_validator

from trig.complaints import complaint
from trig.dimensions import Pair, Task, pairs
from trig.errors import ParamsError
from trig.scales import Scale, scale

PATH = Path("params.yaml")
WEAKEST = "weakest"
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[int, Field(ge=1)]
# A dot would be read by DVC as a step into a nested key.
Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]
"""Part of paths and of DVC's stage names; it has no dot, which DVC would read as a step into a parameter."""


class Section(BaseModel):
    """A part of the file: fixed once read, and with no key that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Annotate(Section):
    """How many prompts, and of what shape."""

    tasks: list[Literal["t2i"]] = Field(min_length=1)
    per_subset: Positive  # test prompts of each subset
    train_per_subset: Annotated[int, Field(ge=0)]
    max_tokens: Positive  # words and punctuation marks of a prompt

    def subsets(self) -> tuple[tuple[Task, Pair], ...]:
        """The subsets that are annotated."""
        return tuple((Task(task), pair) for task in self.tasks for pair in pairs(Task(task)))


class Model(Section):
    """An entry of the zoo."""

    backend: Literal["diffusers"]
    weights: str
    adapter: str | None
    needs: str  # the folder `dvc` waits for before this model paints: its weights, or the adapter that a stage writes
    steps: Positive
    guidance_scale: Annotated[float, Field(ge=0)]  # 1 and below: no guidance
    negative_prompt: str
    width: Annotated[int, Field(ge=16, multiple_of=8)]  # pixels
    height: Annotated[int, Field(ge=16, multiple_of=8)]

    @model_validator(mode="after")
    def _waits_for_what_it_loads(self) -> Self:
        if self.needs != (self.adapter or self.weights):
            loads = "adapter" if self.adapter else "weights"
            raise ValueError(f"needs: {self.needs!r} is not its {loads} {self.adapter or self.weights!r}; name what the model waits for")
        return self


class Generate(Section):
    """Which models paint."""

    roster: list[Name] = Field(min_length=1)
    batch_size: Positive


class LocalJudge(Section):
    """A judge of the zoo that runs in this process."""

    backend: Literal["transformers"]
    weights: str
    needs: str  # the folder `dvc` waits for before this judge is asked: its weights

    @model_validator(mode="after")
    def _waits_for_what_it_loads(self) -> Self:
        if self.needs != self.weights:
            raise ValueError(f"needs: {self.needs!r} is not its weights {self.weights!r}; name what the judge waits for")
        return self


class Price(Section):
    """What an endpoint asks for its work, in US dollars per million tokens."""

    prompt: Annotated[float, Field(ge=0)]
    completion: Annotated[float, Field(ge=0)]


class ServedJudge(Section):
    """A judge of the zoo behind servers that speak OpenAI's protocol."""

    backend: Literal["openai"]
    needs: str  # a file or folder that changes when what is served changes: the served weights, where they lie here
    endpoints: list[Annotated[str, StringConstraints(pattern=r"^https?://[^@\s]+$")]] = Field(
        min_length=1
    )  # such as http://127.0.0.1:8000/v1
    model: str | None  # the name it is served under; null: the only one there is
    key: Annotated[str, StringConstraints(pattern=r"^[A-Z_][A-Z0-9_]*$")] | None  # the environment variable that holds the key
    concurrency: Positive  # most questions under way at one endpoint
    timeout: Annotated[float, Field(gt=0)]  # seconds for one answer
    retries: Annotated[int, Field(ge=0)]
    price: Price | None


JudgeModel = Annotated[LocalJudge | ServedJudge, Field(discriminator="backend")]
JUDGES: dict[str, type[Section]] = {"transformers": LocalJudge, "openai": ServedJudge}


class Judge(Section):
    """Who judges, and how."""

    name: Name
    batch_size: Positive
    dimensions: Literal["pair", "all"]
    mode: Literal["logprobs", "sampled"]
    samples: Annotated[int, Field(ge=2)]  # answers to each question, when they are sampled
    scale: Annotated[Scale, BeforeValidator(scale)]  # the name of one, or its grades, worst to best
    reference_image: Literal["source", "none"]  # whether the judge sees the picture that was edited, or the subject
    max_pixels: Positive  # larger pictures are made smaller before the judge sees them
    max_off_mass: Share
    max_failures: Annotated[int, Field(ge=0)]  # more questions without an answer stop the stage


Correlation = Literal["spearman", "pearson", "kendall"]


class Thresholds(Section):
    """Where one relation ends and the next begins (paper, section 3.3), and what it takes to believe it."""

    rule: Literal["paper", "reference"]
    score: Literal["score_trig", "expected"]
    correlation: Correlation  # rho of the rule of dispersion
    synergy: Share  # θ_s: both scores at least this are in R_S
    bottleneck: Share  # θ_b: both scores at most this are in R_B
    synergy_density: Annotated[float, Field(gt=0, le=1)]  # δ_s
    bottleneck_density: Annotated[float, Field(gt=0, le=1)]  # δ_b
    tilt_ratio: Annotated[float, Field(ge=1)]  # τ_d
    dispersion_corr: Annotated[float, Field(ge=-1, le=1)]  # δ_t
    min_points: Positive
    bootstraps: Annotated[int, Field(ge=0)]  # resamples of the prompts; 0: no evidence
    permutations: Annotated[int, Field(ge=20)]  # shuffles of one side, for the tilts that independent scores would show
    supported_stability: Annotated[float, Field(ge=0.5, le=1)]  # share of resamples with the verdict
    fdr: Annotated[float, Field(gt=0, lt=1)]  # share of false discoveries among what is supported by a test
    enough_points: Positive  # prompts, of which copies and edits count once; with fewer a verdict is weak at best

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.bottleneck >= self.synergy:
            raise ValueError(f"bottleneck ({self.bottleneck}) must be below synergy ({self.synergy}): the two regions may not meet")
        return self


class Report(Section):
    """What the report shows."""

    pictures_per_pair: Annotated[int, Field(ge=0)]  # of each model
    agreement: str  # a file: how the judge was measured against truth or people


class Finetune(Section):
    """How the weakest pair is repaired."""

    base: Name
    name: Name
    pair: str  # `weakest`, or a pair such as TA-C_TA-S
    min_keep_share: Share  # a pair is only repaired when at least this share of the base's pictures could be learned from
    candidates: Positive  # pictures generated to choose from
    keep_above: Share  # both scores of a kept picture are at least this
    max_gap: Share  # and differ by at most this
    rank: Positive
    steps: Positive
    batch_size: Positive
    learning_rate: Annotated[float, Field(gt=0)]

    @field_validator("pair")
    @classmethod
    def _named(cls, pair: str) -> str:
        try:
            return pair if pair == WEAKEST else str(Pair.parse(pair))
        except ParamsError as error:
            raise ValueError(str(error)) from None


class Gates(Section):
    """What the gates let pass."""

    max_null_share: Share
    min_relations: Positive


class Params(Section):
    """The whole file."""

    seed: Annotated[int, Field(ge=0)]
    annotate: Annotate
    generate: Generate
    models: dict[Name, Model]
    judge: Judge
    judges: dict[Name, JudgeModel]
    thresholds: Thresholds
    report: Report
    finetune: Finetune
    gates: Gates

    def model(self, name: str) -> Model:
        """The model of a name. Raises ParamsError with the list of names."""
        if name not in self.models:
            raise ParamsError(f"model: {name!r} is unknown; choose one of {_names(self.models)} or describe it under models: in {PATH}")
        return self.models[name]

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        roster = self.generate.roster
        for field, name in (
            *(("generate.roster", name) for name in roster),
            ("finetune.base", self.finetune.base),
            ("finetune.name", self.finetune.name),
        ):
            if name not in self.models:
                raise ValueError(
                    f"{field}: model {name!r} is unknown; choose one of {', '.join(self.models)}, or describe it under models:"
                )
        if twice := sorted({name for name in roster if roster.count(name) > 1}):
            raise ValueError(f"generate.roster: {twice[0]!r} is named twice; name each model once")
        if self.judge.name not in self.judges:
            raise ValueError(
                f"judge.name: judge {self.judge.name!r} is unknown; choose one of {', '.join(self.judges)}, or describe it under judges:"
            )
        if self.judge.mode == "sampled" and isinstance(self.judges[self.judge.name], LocalJudge):
            raise ValueError(
                f"judge.mode: 'sampled' is for judges that tell no probabilities; {self.judge.name!r} tells them: set logprobs"
            )
        if self.finetune.pair not in {WEAKEST, *(str(pair) for _, pair in self.annotate.subsets())}:
            raise ValueError(
                f"finetune.pair: the tasks of annotate.tasks have no prompts for {self.finetune.pair!r}; choose another pair or {WEAKEST!r}"
            )
        return self

    @model_validator(mode="after")
    def _tuned_differs_by_its_adapter(self) -> Self:
        base, tuned = self.models[self.finetune.base], self.models[self.finetune.name]
        for field in Model.model_fields:
            mine, theirs = getattr(tuned, field), getattr(base, field)
            if field not in {"adapter", "needs"} and mine != theirs:
                raise ValueError(
                    f"models.{self.finetune.name}.{field}: {mine!r} is not its base's {theirs!r}, so their difference would not be the"
                    f" adapter's; set both, as in -S models.{self.finetune.name}.{field}={theirs}"
                )
        if tuned.adapter is None:
            raise ValueError(f"models.{self.finetune.name}.adapter: the model that finetune writes needs the folder of its adapter")
        if self.finetune.base not in self.generate.roster:
            raise ValueError(
                f"finetune.base: {self.finetune.base!r} is not in generate.roster, so no scores say what to repair; add it there"
            )
        return self


def _names(entries: Mapping[str, object]) -> str:
    return ", ".join(entries)


class _Loader(yaml.SafeLoader):
    """YAML in which a key stands once: of two values, one would be dropped in silence."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        if twice := [key for key in keys if keys.count(key) > 1]:
            raise yaml.MarkedYAMLError(problem=f"{twice[0]!r} stands twice", problem_mark=node.start_mark)
        return super().construct_mapping(node, deep)


def load(path: Path = PATH) -> Params:
    """The parameters in a file. Raises ParamsError with one line for the first thing that is wrong."""
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), _Loader)
    except FileNotFoundError:
        raise ParamsError(f"{path}: there is no such file here; run from the project's root") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path}: not readable as YAML: {' '.join(str(error).split())}") from None
    if not isinstance(found, dict):
        raise ParamsError(f"{path}: holds no parameters; restore it with `git checkout {path}`")
    try:
        return Params.model_validate(found)
    except ValidationError as error:
        raise ParamsError(f"{path}: {complaint(error, Params, {'models': Model}, JUDGES)}") from None
