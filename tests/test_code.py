"""Code fingerprints: a stage depends on the meaning of all code that its program can import."""

import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

import isolated
import pytest

from stages.code import backends, module
from trig import params
from trig.params.finetune import POLICIES, GradientName, LossName
from trig.params.judge import JUDGES
from trig.params.models import MODELS, TRAINED
from trig.run.code import PLUGS, PLUMBING, Code, meaning

ROOT = Path(__file__).parents[1]
CODE = Code(ROOT)
PROGRAMS = [file.relative_to(ROOT).as_posix() for file in sorted((ROOT / "stages").glob("*.py")) if file.name != "__init__.py"]

BEFORE = '''
"""Text."""
VERSION = 1
"""Cache version."""

def score(x: float) -> float:
    """Half."""
    if x < 0:
        raise ValueError("negative")
    return x / 2  # ein Kommentar über "nichts"
    # a line of its own

LABEL = "# no comment"
TEXT = f"""{LABEL} over

  two lines
"""
'''


@pytest.mark.parametrize(
    ("old", "new", "same"),
    [
        ("x / 2", "x / 3", False),
        ("x < 0", "x <= 0", False),
        ("ValueError", "TypeError", False),
        ("# no comment", "# another label", False),
        ("VERSION = 1", "VERSION = 2", True),
        ("Half.", "A half – or ½.", True),
        ("# ein Kommentar", "# noch ein Kommentar", True),
        ("    # a line of its own\n", "", True),
        ('"negative"', 'f"{x} is negative", x', True),
        ('("negative")', '("neg"  # a rather long comment\n            "ative")', True),
        ("    return x / 2", "\n    return x / 2", True),
        ("over\n\n  two", "over\n  two", False),
        ("over\n\n  two", "over \n\n  two", False),
        ("Half.", "Half.\n\n    Of a number.", True),
    ],
)
def test_the_meaning_of_code_is_code_and_no_prose(old: str, new: str, same: bool) -> None:
    assert old in BEFORE
    before, after = (meaning(source.encode(), without="VERSION") for source in (BEFORE, BEFORE.replace(old, new)))
    assert (before == after) == same
    compile(before, "before", "exec")


def test_what_follows_a_comment_inside_a_message_counts() -> None:
    source = 'def f():\n    raise ValueError("a"  # {}\n                     "b")\n    return {}\n'
    assert meaning(source.format("x" * 40, 1).encode()) == meaning(source.format("", 1).encode())
    assert meaning(source.format("x" * 40, 1).encode()) != meaning(source.format("x" * 40, 2).encode())


@pytest.mark.parametrize("strange", ["\x0c", "\u2028", "\x85"])
def test_a_strange_letter_above_a_comment_shifts_nothing(strange: str) -> None:
    source = f"X = '{strange}'\nY = 1  # comment\n"
    assert meaning(source.encode()) == f"X = '{strange}'\nY = 1".encode()


LOADED = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
for module in list(sys.modules.values()):
    print(getattr(module, "__file__", None))
"""


LIBRARIES = ("altair", "diffusers", "great_expectations", "networkx", "peft", "polars", "pyarrow.parquet", "torch", "transformers", "typer")
"""Imported once, as they take most of the time that a program's modules take."""


def modules(files: Sequence[str]) -> list[str]:
    """Names of the modules among a closure's files."""
    return [
        file.removesuffix(".py").removesuffix("/__init__").replace("/", ".") for file in files if file.endswith(".py") and file not in PLUGS
    ]


@pytest.fixture(scope="module")
def loaded() -> dict[str, str]:
    """Files that are loaded once every module of a program's closure is, with top-level imports only."""
    return isolated.told(LOADED, {program: modules(CODE.closure(program)) for program in PROGRAMS}, LIBRARIES)


@pytest.mark.parametrize("program", PROGRAMS)
def test_nothing_is_imported_that_the_closure_lacks(program: str, loaded: dict[str, str]) -> None:
    known, found = CODE.closure(program), loaded[program].splitlines()
    assert str(ROOT / program) in found, loaded[program]
    ours = {Path(line).relative_to(ROOT).as_posix() for line in found if line.startswith((f"{ROOT}/trig/", f"{ROOT}/stages/"))}
    plumbing = {file.relative_to(ROOT).as_posix() for file in (ROOT / "trig").rglob("*.py")}
    plumbing = {file for file in plumbing if file.startswith(PLUMBING)}
    assert ours - plumbing - {"stages/__init__.py"} <= {*known, *PLUGS, *CODE.closure(*plumbing)}


def test_every_data_file_belongs_to_a_module_that_opens_it() -> None:
    tracked = subprocess.run(["git", "ls-files", "trig"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    data = {file for file in tracked if not file.endswith(".py") and not file.startswith(PLUMBING)}
    backends = [file.relative_to(ROOT).as_posix() for file in (ROOT / "trig/backends").rglob("*.py")]
    assert data == {file for file in CODE.closure(*PROGRAMS, *backends, "trig/annotate/review/page.py") if not file.endswith(".py")}


def test_plumbing_and_plugs_exist() -> None:
    assert [place for place in (*PLUMBING, *PLUGS) if not (ROOT / place).exists()] == []


def test_a_hash_follows_code_data_and_names(tmp_path: Path) -> None:
    (tmp_path / "stages").mkdir()
    (tmp_path / "trig" / "web").mkdir(parents=True)
    files = {
        "stages/x.py": "def main():\n    from trig import page\n",
        "trig/__init__.py": "",
        "trig/page.py": "from importlib.resources import files\nPLACE = 'web'\n",
        "trig/other.py": "x = 1\n",
        "trig/web/page.css": "a {}",
        "trig/unread.css": "a {}",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text, "utf-8")
    assert Code(tmp_path).closure("stages/x.py") == ["stages/x.py", "trig/__init__.py", "trig/page.py", "trig/web/page.css"]
    before = Code(tmp_path).fingerprint("stages/x.py")
    for name, same in {"trig/other.py": True, "trig/unread.css": True, "trig/web/page.css": False, "trig/page.py": False}.items():
        (tmp_path / name).write_text(f"{files[name]}\ny = 2\n", "utf-8")
        assert (Code(tmp_path).fingerprint("stages/x.py") == before) == same
        (tmp_path / name).write_text(files[name], "utf-8")


def test_every_backend_has_a_module_of_its_name() -> None:
    """A stage depends on the module of the backend it runs, named after the backend, and of the loss and the policy."""
    kinds = {"painters": tuple(MODELS), "trainers": TRAINED, "judges": tuple(JUDGES), "losses": get_args(LossName)}
    named = {f"{kind}/{name}.py" for kind, names in kinds.items() for name in names}
    named |= {module(name).removeprefix("trig/backends/") for name in get_args(GradientName)}
    named = {f"trig/backends/{name}" for name in named} | {f"trig/finetune/policies/{name}.py" for name in POLICIES}
    lacking = {name for name in named if not (ROOT / name).is_file()}
    assert not lacking, f"a stage depends on the module that is named after what it loads: write {', '.join(sorted(lacking))}"
    found = backends(params.load(ROOT / "params.yaml"))
    assert {path for paths in found.values() for path in paths} <= named
    assert {path.split("/")[2] for path in found["finetune"]} == {*kinds, "policies"}


def test_what_one_tuning_is_taught_by_counts_too() -> None:
    settings = params.load(ROOT / "params.yaml")
    (name, tuning), *_ = settings.tunings.items()
    other = tuning.model_copy(update={"finetune": {**tuning.finetune, "policy": "dominance", "loss": "dpo"}})
    found = backends(settings.model_copy(update={"tunings": {name: tuning, "other": other}}))["finetune"]
    assert settings.finetune
    own = {module(settings.finetune.loss), f"trig/finetune/policies/{settings.finetune.policy}.py"}
    assert own | {"trig/backends/losses/dpo.py", "trig/finetune/policies/dominance.py"} <= {*found}
