"""What a run would compute anew because its results are neither in the workspace nor in DVC's cache, as in a clone that has pulled nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trig.notation import read
from trig.params import Params

LOCK = "dvc.lock"


@dataclass(frozen=True, slots=True)
class Unpulled:
    """Stages without results, and what it takes to run them."""

    stages: tuple[str, ...]  # those of dvc.lock of which an output is missing, by name
    of: int  # stages of dvc.lock that the parameters still have
    pictures: int  # of test prompts, and questions about them: upper bounds, as the work store may have some
    questions: int
    adapters: int
    prompted: int  # models whose prompts are rewritten
    remote: str | None  # where the results may be

    @property
    def costly(self) -> bool:
        """Whether models would work."""
        return bool(self.pictures or self.questions or self.adapters or self.prompted)

    def told(self) -> str:
        """One line."""
        work = (
            *([f"make up to {self.pictures:,} pictures of test prompts"] if self.pictures else []),
            *([f"ask the judge up to {self.questions:,} questions about them"] if self.questions else []),
            *([f"choose lessons and train adapters: {self.adapters}"] if self.adapters else []),
            *([f"rewrite and choose prompts of models: {self.prompted}"] if self.prompted else []),
        )
        cost = f", which would {', '.join(work)}" if work else ""
        instead = f"`dvc pull` fetches them from the remote {self.remote!r}" if self.remote else "no remote is configured to pull them from"
        return f"{len(self.stages)} of {self.of} stages have no results here nor in DVC's cache: `dvc repro` runs them{cost}; {instead}"


def unpulled(root: Path, settings: Params, but: str = "") -> Unpulled | None:
    """What is missing below the project's folder, by its dvc.lock; None where nothing is, nothing ever ran, or there is no DVC.

    Nothing is where only the stage `but` has no results, which asks: DVC removed what it is to write.
    """
    stages = {name: each for name, each in locked(root).items() if current(name, settings)}
    gone = {name: [out for out in each.get("outs", ()) if not (root / out["path"]).exists()] for name, each in stages.items()}
    if not any(outs for name, outs in gone.items() if name != but):
        return None
    from dvc.exceptions import NotDvcRepoError  # lazy import: only where something is missing
    from dvc.repo import Repo

    try:
        with Repo(str(root)) as repo:
            cache, config = repo.cache.local, repo.config
            names = tuple(name for name, outs in gone.items() if any(not Path(cache.oid_to_path(out["md5"])).exists() for out in outs))
    except NotDvcRepoError:
        return None
    if not names:
        return None
    remote = config["core"].get("remote") or next(iter(config["remote"]), None)
    made, asked = (
        sum(each(settings, model) for model in _of(names, base)) for base, each in (("generate", pictures), ("judge", questions))
    )
    adapters, prompted = (len(_of(names, base)) for base in ("finetune", "prompting"))
    return Unpulled(names, len(stages), made, asked, adapters, prompted, remote)


def locked(root: Path) -> Mapping[str, Any]:
    """Stages of dvc.lock, by name; none without one."""
    lock = root / LOCK
    return read(lock.read_text("utf-8"))["stages"] if lock.is_file() else {}


def pictures(settings: Params, model: str) -> int:
    """Pictures of a model: the test prompts of its subsets, in all seeds."""
    asked, scope = settings.annotate, settings.scope(model)
    sizes = [asked.size(task, pair) for task, pair in asked.subsets() if scope.tasks is None or task.value in scope.tasks]
    most = max(sizes, default=0) if scope.per_subset is None else scope.per_subset
    return settings.generate.seeds_per_prompt * sum(min(size, most) for size in sizes)


def questions(settings: Params, model: str) -> int:
    """Questions about the pictures of a model."""
    return pictures(settings, model) * (2 if settings.judge.dimensions == "pair" else 10)


def _of(names: Sequence[str], base: str) -> list[str]:
    return [name.partition("@")[2] for name in names if name.startswith(f"{base}@")]


def current(name: str, settings: Params) -> bool:
    """Whether the parameters have what a stage is about: dvc.lock keeps models that left the roster."""
    base, _, of = name.partition("@")
    tunings, roster = settings.tunings.keys(), settings.generate.roster
    named = {
        "zoo": settings.models.keys(),
        "zoo-judge": settings.judges.keys(),
        **dict.fromkeys(("targets", "finetune", "proof", "gate-proof"), tunings),
    }
    return not of or of in named.get(base, roster)
