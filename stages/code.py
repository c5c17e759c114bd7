"""Code fingerprint of each stage: it reruns only when output-affecting code changes.

python -m stages.code OUT
"""

from pathlib import Path

from trig import params
from trig.files import clear, replace
from trig.params import Params
from trig.run.code import Code
from trig.run.edge import run


def main(out: Path) -> None:
    """Read stages/ and trig/, write a file per stage to data/code."""
    code, plugged = Code(Path()), backends(params.load())
    programs = sorted(path for path in Path("stages").glob("*.py") if path.name != "__init__.py")
    hashes = {f"{path.stem}.txt": code.fingerprint(path.as_posix(), *plugged.get(path.stem, ())) for path in programs}
    for name, found in hashes.items():
        replace(out / name, f"{found}\n".encode())
    clear(out, but=hashes)


def backends(settings: Params) -> dict[str, list[str]]:
    """Backends a stage loads as plug-ins: those of the configured judge and annotator, and those of the roster's generators."""
    judge = f"trig/backends/judges/{settings.judge_model(settings.judge.name).backend}.py"
    painters = {f"trig/backends/painters/{settings.model(name).backend}.py" for name in settings.generate.roster}
    annotator = ["trig/backends/annotators/openai.py"] if settings.annotate.annotator else []
    return {"annotate": annotator, "judge": [judge], "finetune": [judge], "generate": sorted(painters)}


if __name__ == "__main__":
    run(main)
