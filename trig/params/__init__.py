"""`params.yaml`, validated. Every number of the pipeline lives there; only `tunings`, `finetune` and `proof`, `promptings` and `prompting` are optional."""

from collections.abc import Mapping
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import Field, ValidationError, model_validator

from trig.errors import ParamsError
from trig.notation import NotationError, read
from trig.params.annotate import Annotate
from trig.params.annotators import AnnotatorModel
from trig.params.complaints import complaint
from trig.params.extends import OWN
from trig.params.finetune import AUTO, Finetune, Tuning
from trig.params.gates import Gates
from trig.params.generate import Generate
from trig.params.judge import JUDGES, JudgeModel, Judging, LocalJudge, ServedJudge
from trig.params.models import MODELS, TRAINED, Model, ModelEntry
from trig.params.models.diffusers import DiffusersModel
from trig.params.models.entry import Scope
from trig.params.presets import PRESETS
from trig.params.prompting import Prompted, Prompting, differs
from trig.params.proof import Proof
from trig.params.report import Report
from trig.params.section import Section
from trig.params.sweeps import Curve, check, curves
from trig.params.thresholds import Thresholds
from trig.params.values import Name, at_most
from trig.params.zoo import ZOO
from trig.vocabulary.dimensions import Task

PATH = Path("params.yaml")
NAMED: Mapping[str, type[Section]] = {"annotators": AnnotatorModel, "promptings": Prompted, "tunings": Tuning}
"""Sections of entries with names of the user's own."""


class Params(Section):
    """All sections."""

    seed: Annotated[int, Field(ge=0), at_most(2**63 - 1, "random generators take seeds of 63 bits")]
    annotate: Annotate
    annotators: dict[Name, AnnotatorModel]
    generate: Generate
    models: dict[Name, ModelEntry]
    judge: Judging
    judges: dict[Name, JudgeModel]
    thresholds: Thresholds
    report: Report
    tunings: dict[Name, Tuning] = Field(default_factory=dict)
    finetune: Finetune | None = None
    proof: Proof | None = None
    promptings: dict[Name, Prompted] = Field(default_factory=dict)
    prompting: Prompting | None = None
    gates: Gates

    def model(self, name: str) -> Model:
        """Model by name. Raises ParamsError listing the known names."""
        if name not in self.models:
            raise ParamsError(f"model: {name!r} is unknown; choose one of {_names(self.models)} or describe it under models: in {PATH}")
        return self.models[name]

    def scope(self, name: str) -> Scope:
        """Which test prompts a model paints. Raises ParamsError listing the known names."""
        return self.model(name).scope

    def pipeline(self, name: str) -> DiffusersModel:
        """Model of diffusers by name. Raises ParamsError where it is unknown, or of another backend."""
        found = self.model(name)
        if not isinstance(found, DiffusersModel):
            raise ParamsError(f"{PATH}: models.{name}.backend: {found.backend!r} is not 'diffusers'; choose a model that diffusers loads")
        return found

    def judge_model(self, name: str) -> LocalJudge | ServedJudge:
        """Judge by name. Raises ParamsError listing the known names."""
        if name not in self.judges:
            raise ParamsError(f"judge: {name!r} is unknown; choose one of {_names(self.judges)} or describe it under judges: in {PATH}")
        return self.judges[name]

    def tuning(self, name: str) -> tuple[Tuning, Finetune]:
        """A tuned model's base and training settings. Raises ParamsError listing the known names."""
        if name not in self.tunings or self.finetune is None:
            raise ParamsError(f"tuning: {name!r} is unknown; choose one of {_names(self.tunings)} or describe it under tunings: in {PATH}")
        return self.tunings[name], self.finetune.differing(self.tunings[name].finetune)

    def told(self, *names: str) -> dict[str, Any]:
        """Values by dotted name, such as `judge.name`, as plain values."""
        plain = self.model_dump(mode="json")
        return {name: reduce(getitem, name.split("."), plain) for name in names}

    def prompted(self, name: str) -> tuple[Prompted, Prompting]:
        """A prompted model's base, and how prompts are rewritten. Raises ParamsError listing the known names."""
        if name not in self.promptings or self.prompting is None:
            raise ParamsError(
                f"prompting: {name!r} is unknown; choose one of {_names(self.promptings) or 'none'} or describe it under promptings: in {PATH}"
            )
        return self.promptings[name], self.prompting

    @property
    def curves(self) -> tuple[Curve, ...]:
        """Curves of the roster."""
        return curves(self.models, self.generate.roster)

    @model_validator(mode="after")
    def _names_exist(self) -> Self:
        roster = self.generate.roster
        for field, name in (
            *(("generate.roster", name) for name in roster),
            *((f"tunings.{tuned}.base", tuning.base) for tuned, tuning in self.tunings.items()),
            *(("tunings", tuned) for tuned in self.tunings),
            *((f"promptings.{name}.base", one.base) for name, one in self.promptings.items()),
            *(("promptings", name) for name in self.promptings),
        ):
            if name not in self.models:
                raise ValueError(
                    f"{field}: model {name!r} is unknown; choose one of {', '.join(self.models)}, or describe it under models:"
                )
        if twice := sorted({name for name in roster if roster.count(name) > 1}):
            raise ValueError(f"generate.roster: {twice[0]!r} is named twice; name each model once")
        rewrites = self.prompting.annotator if self.prompting else None
        for field, writes in (("annotate", self.annotate.annotator), ("prompting", rewrites)):
            if writes is not None and writes not in self.annotators:
                raise ValueError(
                    f"{field}.annotator: annotator {writes!r} is unknown; choose one of {_names(self.annotators) or 'none'},"
                    f" describe it under annotators:, or set null"
                )
        if self.judge.name not in self.judges:
            raise ValueError(
                f"judge.name: judge {self.judge.name!r} is unknown; choose one of {', '.join(self.judges)}, or describe it under judges:"
            )
        if not self.judge.here and isinstance(self.judges[self.judge.name], ServedJudge):
            raise ValueError(
                f"judge.executor: {self.judge.executor!r} with devices {self.judge.devices!r} is for judges that this project loads; {self.judge.name!r}"
                f" is served, and its endpoints and concurrency say how much at once: set local and null"
            )
        if self.judge.mode == "sampled" and isinstance(self.judges[self.judge.name], LocalJudge):
            raise ValueError(
                f"judge.mode: 'sampled' is for judges that tell no probabilities; {self.judge.name!r} tells them: set logprobs"
            )
        return self

    @model_validator(mode="after")
    def _agree(self) -> Self:
        """Cross-section validation."""
        fewest, task = min((self.annotate.even(Task(task)), task) for task in self.annotate.tasks)
        if fewest < self.thresholds.min_points:
            raise ValueError(
                f"annotate.per_subset: {fewest} prompts are fewer than thresholds.min_points, {self.thresholds.min_points},"
                f" so no pair of {task} would have a verdict; ask for more, or lower min_points"
            )
        for field, section, says in (("finetune", self.finetune, "is trained"), ("proof", self.proof, "is measured")):
            if self.tunings and section is None:
                raise ValueError(f"{field}: missing; it says how {_names(self.tunings)} {says} (a file without tunings: needs none)")
        for name in self.tunings:
            self._trained(name)
        return self

    def _trained(self, name: str) -> None:
        """Raises ValueError unless a tuned model's settings are right, and its targets have prompts."""
        field = f"tunings.{name}.finetune"
        try:
            _, settings = self.tuning(name)
        except ValidationError as error:
            raise ValueError(f"{field}.{complaint(error, Finetune, {}, {})}") from None
        own, teaches = self.models[name].scope.tasks, settings.task.value
        asked = {str(pair) for task, pair in self.annotate.subsets() if task == teaches and (own is None or task in own)}
        where = {key: field if key in self.tunings[name].finetune else "finetune" for key in ("task", "targets")}
        if not asked:
            raise ValueError(
                f"{where['task']}.task: {teaches!r}: {name} has no prompts of this task, by annotate.tasks and its scope; add it there, or set another"
            )
        for pair in settings.targets if isinstance(settings.targets, list) else ():
            if pair not in asked:
                raise ValueError(f"{where['targets']}.targets: {teaches} has no prompts for {pair!r}; choose another pair, or set {AUTO}")

    @model_validator(mode="after")
    def _tuned_differs_by_its_adapter(self) -> Self:
        for name, tuning in self.tunings.items():
            base, tuned = self.models[tuning.base], self.models[name]
            if not isinstance(base, DiffusersModel):
                raise ValueError(
                    f"tunings.{name}.base: {tuning.base!r} is of backend {base.backend}, which nothing trains; choose a model of {', '.join(TRAINED)}"
                )
            if not isinstance(tuned, DiffusersModel):
                raise ValueError(
                    f"models.{name}.backend: {tuned.backend!r} is not its base's {base.backend!r}; let it extend {tuning.base}"
                )
            if base.adapter:
                raise ValueError(
                    f"tunings.{name}.base: {tuning.base!r} has an adapter itself, without which {name} would paint; begin with a model that has none"
                )
            for field in DiffusersModel.model_fields:
                mine, theirs = getattr(tuned, field), getattr(base, field)
                if field not in {"adapter", *OWN} and mine != theirs:
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

    @model_validator(mode="after")
    def _prompted_differs_by_its_prompts(self) -> Self:
        if self.promptings and self.prompting is None:
            raise ValueError(
                f"prompting: missing; it says how {_names(self.promptings)} is prompted (a file without promptings: needs none)"
            )
        for name, one in self.promptings.items():
            differs(name, self.models[name], one.base, self.models[one.base])
            if one.base not in self.generate.roster:
                raise ValueError(
                    f"promptings.{name}.base: {one.base!r} is not in generate.roster, so nothing says what prompting changes; add it there"
                )
        return self

    @model_validator(mode="after")
    def _settings_differ_by_their_knob(self) -> Self:
        check(self.models, self.generate.roster)
        return self


def _names(entries: Mapping[str, object]) -> str:
    return ", ".join(entries)


def load(path: Path = PATH) -> Params:
    """Parse and validate a parameter file. Raises ParamsError with one line for the first error."""
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
    for catalogue in (ZOO, PRESETS):
        if isinstance(entries := found.get(catalogue.section), dict):
            found[catalogue.section] = catalogue.resolved(entries, str(path))
    try:
        return Params.model_validate(found)
    except ValidationError as error:
        raise ParamsError(f"{path}: {complaint(error, Params, NAMED, {'judges': JUDGES, 'models': MODELS}, found)}") from None
