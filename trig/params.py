"""`params.yaml` as a checked value. Every number of the pipeline lives there; only the sections of who tunes nothing may be left out."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from trig.bounds import Batch, Dollars, Endpoint, Name, Pixels, Place, Points, Prompts, Share, at_most
from trig.complaints import complaint
from trig.errors import ParamsError
from trig.notation import NotationError, read
from trig.scales import Scale, scale
from trig.vocabulary.dimensions import Pair, Task, pairs
from trig.vocabulary.relations import Relation

PATH = Path("params.yaml")
WEAKEST = "weakest"


class Section(BaseModel):
    """A part of the file: fixed once read, and with no key that nobody reads."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class Annotate(Section):
    """How many prompts, and of what shape."""

    tasks: list[Literal["t2i"]] = Field(min_length=1)
    per_subset: Annotated[int, Field(ge=1), Prompts]  # test prompts of each subset
    train_per_subset: Annotated[int, Field(ge=0), Prompts]
    max_tokens: Annotated[int, Field(ge=1), at_most(100_000, "no model reads a prompt so long")]  # words and punctuation marks of a prompt

    def subsets(self) -> tuple[tuple[Task, Pair], ...]:
        """The subsets that are annotated."""
        return tuple((Task(task), pair) for task in self.tasks for pair in pairs(Task(task)))


class Model(Section):
    """An entry of the zoo."""

    backend: Literal["diffusers"]
    weights: Place
    adapter: Place | None
    needs: Place  # the folder `dvc` waits for before this model paints: its weights, or the adapter that a stage writes
    steps: Annotated[int, Field(ge=1), at_most(10_000, "no sampler gains by so many steps")]
    guidance_scale: Annotated[float, Field(ge=0), at_most(1_000, "no picture is left of so much guidance")]  # 1 and below: no guidance
    negative_prompt: str
    width: Pixels
    height: Pixels

    @model_validator(mode="after")
    def _waits_for_what_it_loads(self) -> Self:
        if self.needs != (self.adapter or self.weights):
            loads = "adapter" if self.adapter else "weights"
            raise ValueError(f"needs: {self.needs!r} is not its {loads} {self.adapter or self.weights!r}; name what the model waits for")
        return self

    @model_validator(mode="after")
    def _guides_away(self) -> Self:
        if self.negative_prompt and self.guidance_scale <= 1:
            raise ValueError(
                f"negative_prompt: nothing guides away from it where guidance_scale is {self.guidance_scale:g}; set it to '', or raise guidance_scale"
            )
        return self


class Generate(Section):
    """Which models paint."""

    roster: list[Name] = Field(min_length=1)
    batch_size: Batch
    engine_in_key: bool  # whether pictures of other versions of the libraries are other pictures


class LocalJudge(Section):
    """A judge of the zoo that runs in this process."""

    backend: Literal["transformers"]
    weights: Place
    needs: Place  # the folder `dvc` waits for before this judge is asked: its weights

    @model_validator(mode="after")
    def _waits_for_what_it_loads(self) -> Self:
        if self.needs != self.weights:
            raise ValueError(f"needs: {self.needs!r} is not its weights {self.weights!r}; name what the judge waits for")
        return self


class Price(Section):
    """What an endpoint asks for its work, in US dollars per million tokens."""

    prompt: Dollars
    completion: Dollars


class ServedJudge(Section):
    """A judge of the zoo behind servers that speak OpenAI's protocol."""

    backend: Literal["openai"]
    needs: Place  # a file or folder that changes when what is served changes: the served weights, where they lie here
    endpoints: list[Endpoint] = Field(min_length=1)  # such as http://127.0.0.1:8000/v1
    model: str | None  # the name it is served under; null: the only one there is
    key: Annotated[str, StringConstraints(pattern=r"^[A-Z_][A-Z0-9_]*$")] | None  # the environment variable that holds the key
    concurrency: Annotated[
        int, Field(ge=1), at_most(10_000, "each question under way holds a connection")
    ]  # most questions under way at one endpoint
    timeout: Annotated[float, Field(gt=0), at_most(86_400, "an answer that takes more than a day does not come")]  # seconds for one answer
    retries: Annotated[int, Field(ge=0), at_most(1_000, "a server that fails so often does not answer")]
    price: Price | None


JudgeModel = Annotated[LocalJudge | ServedJudge, Field(discriminator="backend")]
JUDGES: dict[str, type[Section]] = {"transformers": LocalJudge, "openai": ServedJudge}


class Judge(Section):
    """Who judges, and how."""

    name: Name
    batch_size: Batch
    engine_in_key: bool  # whether answers of other versions of the libraries are other answers; a served judge's always are
    dimensions: Literal["pair", "all"]
    mode: Literal["logprobs", "sampled"]
    samples: Annotated[int, Field(ge=2), at_most(10_000, "each is asked and paid for")]  # answers to each question, when they are sampled
    scale: Annotated[Scale, BeforeValidator(scale)]  # the name of one, or its grades, worst to best
    reference_image: Literal["source", "none"]  # whether the judge sees the picture that was edited, or the subject
    max_pixels: Annotated[
        int, Field(ge=1), at_most(178_956_970, "no larger picture is read")
    ]  # larger pictures are made smaller before the judge sees them
    max_off_mass: Share
    max_failures: Annotated[
        int, Field(ge=0), at_most(1_000_000_000, "no run has so many questions")
    ]  # more questions without an answer stop the stage


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
    tilt_ratio: Annotated[float, Field(ge=1), at_most(1_000_000, "no pair has so many prompts")]  # τ_d
    dispersion_corr: Annotated[float, Field(ge=-1, le=1)]  # δ_t
    min_points: Points
    bootstraps: Annotated[
        int, Field(ge=0), at_most(100_000, "intervals do not move any more, and resamples are in memory together")
    ]  # resamples of the prompts; 0: no evidence
    permutations: Annotated[
        int, Field(ge=20), at_most(10_000, "p-values do not move any more, and shuffles are in memory together")
    ]  # shuffles of one side, for the tilts that independent scores would show
    supported_stability: Annotated[float, Field(ge=0.5, le=1)]  # share of resamples with the verdict
    fdr: Annotated[float, Field(gt=0, lt=1)]  # share of false discoveries among what is supported by a test
    enough_points: Points  # prompts, of which copies and edits count once; with fewer a verdict is weak at best

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.bottleneck >= self.synergy:
            raise ValueError(f"bottleneck ({self.bottleneck}) must be below synergy ({self.synergy}): the two regions may not meet")
        return self


class Report(Section):
    """What the report shows."""

    pictures_per_pair: Annotated[int, Field(ge=0), at_most(1_000_000, "no pair has so many prompts")]  # of each model
    agreement: Place  # a file: how the judge was measured against truth or people


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


class Gates(Section):
    """What the gates let pass."""

    max_null_share: Share  # of a model's pictures, and of its scores on a dimension
    min_relations: Annotated[int, Field(ge=1), at_most(len(Relation) - 1, "a map knows no more relations")]


class Params(Section):
    """The whole file."""

    seed: Annotated[int, Field(ge=0), at_most(2**63 - 1, "random generators take seeds of 63 bits")]
    annotate: Annotate
    generate: Generate
    models: dict[Name, Model]
    judge: Judge
    judges: dict[Name, JudgeModel]
    thresholds: Thresholds
    report: Report
    tunings: dict[Name, Tuning] = Field(default_factory=dict)
    finetune: Finetune | None = None
    gates: Gates

    def model(self, name: str) -> Model:
        """The model of a name. Raises ParamsError with the list of names."""
        if name not in self.models:
            raise ParamsError(f"model: {name!r} is unknown; choose one of {_names(self.models)} or describe it under models: in {PATH}")
        return self.models[name]

    def judge_model(self, name: str) -> LocalJudge | ServedJudge:
        """The judge of a name. Raises ParamsError with the list of names."""
        if name not in self.judges:
            raise ParamsError(f"judge: {name!r} is unknown; choose one of {_names(self.judges)} or describe it under judges: in {PATH}")
        return self.judges[name]

    def tuning(self, name: str) -> tuple[Tuning, Finetune]:
        """What a tuned model of a name begins with, and how it is trained. Raises ParamsError with the list of names."""
        if name not in self.tunings or self.finetune is None:
            raise ParamsError(f"tuning: {name!r} is unknown; choose one of {_names(self.tunings)} or describe it under tunings: in {PATH}")
        return self.tunings[name], self.finetune

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        roster = self.generate.roster
        for field, name in (
            *(("generate.roster", name) for name in roster),
            *((f"tunings.{tuned}.base", tuning.base) for tuned, tuning in self.tunings.items()),
            *(("tunings", tuned) for tuned in self.tunings),
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
        return self

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """What two sections say goes together."""
        if self.annotate.per_subset < self.thresholds.min_points:
            raise ValueError(
                f"annotate.per_subset: {self.annotate.per_subset} prompts are fewer than thresholds.min_points, {self.thresholds.min_points},"
                f" so no pair would have a verdict; ask for more, or lower min_points"
            )
        if self.finetune and self.finetune.pair not in {WEAKEST, *(str(pair) for _, pair in self.annotate.subsets())}:
            raise ValueError(
                f"finetune.pair: the tasks of annotate.tasks have no prompts for {self.finetune.pair!r}; choose another pair or {WEAKEST!r}"
            )
        if self.tunings and self.finetune is None:
            raise ValueError(f"finetune: missing; it says how {_names(self.tunings)} is trained (a file without tunings: needs none)")
        return self

    @model_validator(mode="after")
    def _tuned_differs_by_its_adapter(self) -> Self:
        for name, tuning in self.tunings.items():
            base, tuned = self.models[tuning.base], self.models[name]
            if base.adapter:
                raise ValueError(
                    f"tunings.{name}.base: {tuning.base!r} has an adapter itself, without which {name} would paint; begin with a model that has none"
                )
            for field in Model.model_fields:
                mine, theirs = getattr(tuned, field), getattr(base, field)
                if field not in {"adapter", "needs"} and mine != theirs:
                    raise ValueError(
                        f"models.{name}.{field}: {mine!r} is not its base's {theirs!r}, so their difference would not be the"
                        f" adapter's; set both, as in -S models.{name}.{field}={theirs}"
                    )
            if tuned.adapter is None:
                raise ValueError(f"models.{name}.adapter: the model that finetune writes needs the folder of its adapter")
            if tuning.base not in self.generate.roster:
                raise ValueError(
                    f"tunings.{name}.base: {tuning.base!r} is not in generate.roster, so no scores say what to repair; add it there"
                )
        return self


def _names(entries: Mapping[str, object]) -> str:
    return ", ".join(entries)


def load(path: Path = PATH) -> Params:
    """The parameters in a file. Raises ParamsError with one line for the first thing that is wrong."""
    try:
        found = read(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ParamsError(f"{path}: there is no such file here; run from the project's root") from None
    except OSError as error:
        raise ParamsError(f"{path}: it cannot be read ({error.strerror}); restore it with `git checkout {path}`") from None
    except (NotationError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path}: not readable as YAML: {error}") from None
    if not isinstance(found, dict):
        raise ParamsError(f"{path}: holds no parameters; restore it with `git checkout {path}`")
    try:
        return Params.model_validate(found)
    except ValidationError as error:
        raise ParamsError(f"{path}: {complaint(error, Params, {'models': Model, 'tunings': Tuning}, JUDGES)}") from None
