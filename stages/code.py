"""Hash the code that each stage runs, so that a stage reruns when code that can change its output does, and only then.

python -m stages.code OUT
"""

from pathlib import Path

from trig import params
from trig.files import clear, replace
from trig.run.code import Code
from trig.run.edge import run


def main(out: Path) -> None:
    """Read stages/ and trig/, write a file per stage to data/code. Of judges, the code of the chosen one's backend counts."""
    settings = params.load()
    backend = f"trig/backends/{settings.judge_model(settings.judge.name).backend}.py"
    code = Code(Path())
    hashes = {
        f"{program.stem}.txt": code.fingerprint(program.as_posix(), *([backend] if program.stem in JUDGING else []))
        for program in sorted(Path("stages").glob("*.py"))
        if program.name != "__init__.py"
    }
    for name, found in hashes.items():
        replace(out / name, f"{found}\n".encode())
    clear(out, but=hashes)


JUDGING = ("finetune", "judge")
"""Stages that ask the judge."""

if __name__ == "__main__":
    run(main)
