"""Code fingerprint of each stage: it reruns only when output-affecting code changes.

python -m stages.code RUBRICS OUT
"""

from pathlib import Path
from typing import get_args

from trig import params
from trig.errors import ParamsError
from trig.files import clear, replace
from trig.judge.rubrics import SHIPPED, texts
from trig.keys import content_key
from trig.params import Params
from trig.params.finetune import GradientName
from trig.run.code import Code
from trig.run.edge import run
from trig.vocabulary.dimensions import Task

JUDGING = ("judge", "finetune", "prompting")
"""Programs that ask a judge."""


def main(watched: Path, out: Path) -> None:
    """Read stages/, trig/ and rubrics of the user's below data/rubrics, write a file per stage to data/code."""
    settings = params.load()
    code, plugged, asked = Code(Path()), backends(settings), own_rubrics(settings, watched)
    programs = sorted(path for path in Path("stages").glob("*.py") if path.name != "__init__.py")
    hashes = {f"{path.stem}.txt": code.fingerprint(path.as_posix(), *plugged.get(path.stem, ())) for path in programs}
    for name, found in hashes.items():
        replace(out / name, f"{found}\n{asked if Path(name).stem in JUDGING else ''}".encode())
    clear(out, but=hashes)


def own_rubrics(settings: Params, watched: Path) -> str:
    """A line with the hash of the chosen rubrics where they are the user's; none of shipped ones, which are among the code.

    Raises ParamsError when their folder is not below the one that DVC watches.
    """
    chosen = settings.judge.rubrics
    if chosen in SHIPPED:
        return ""
    if not Path(chosen).resolve().is_relative_to(watched.resolve()):
        raise ParamsError(f"params.yaml: judge.rubrics: {chosen!r} is not below {watched}, where edits are noticed; move it there")
    found = {task: {dimension.value: text for dimension, text in texts(chosen, Task(task)).items()} for task in settings.annotate.tasks}
    return f"{content_key(rubrics=found)}\n"


def backends(settings: Params) -> dict[str, list[str]]:
    """What a stage loads by name: the judge and the annotator, the loss and the policy of each tuning, the painters of the roster and of bases."""
    judge = f"trig/backends/judges/{settings.judge_model(settings.judge.name).backend}.py"
    painters = {f"trig/backends/painters/{settings.model(name).backend}.py" for name in settings.generate.roster}
    bases = {settings.model(tuning.base).backend for tuning in settings.tunings.values()}
    trained = {f"trig/backends/{part}/{backend}.py" for backend in bases for part in ("painters", "trainers")}
    taught = [settings.tuning(name)[1] for name in settings.tunings] if settings.finetune else []
    learning = {path for one in taught for path in (module(one.loss), f"trig/finetune/policies/{one.policy}.py")}
    chat = "trig/backends/annotators/openai.py"
    annotator = [chat] if settings.annotate.annotator else []
    prompted = {f"trig/backends/painters/{settings.model(one.base).backend}.py" for one in settings.promptings.values()}
    rewrites = [chat] if settings.prompting and settings.prompting.annotator else []
    return {
        "annotate": annotator,
        "judge": [judge],
        "finetune": [judge, *sorted(trained), *sorted(learning)],
        "prompting": [judge, *sorted(prompted), *rewrites] if prompted else [],
        "generate": sorted(painters),
    }


def module(loss: str) -> str:
    """Where an objective is."""
    kind = "trainers" if loss in get_args(GradientName) else "losses"
    return f"trig/backends/{kind}/{loss.replace('-', '_')}.py"


if __name__ == "__main__":
    run(main)
