"""Whether the inputs of a stage are what dvc.lock says. DVC does not look again at files whose time is the same, nor at objects of its cache."""

import json
import os
from collections.abc import Iterator, Sequence
from hashlib import file_digest, md5
from pathlib import Path

from trig.errors import FileError
from trig.files import walk
from trig.notation import read
from trig.run.parent import running
from trig.run.unpulled import locked

PLAN = "dvc.yaml"
PARTS = (("deps", ("deps",)), ("outs", ("outs", "metrics", "plots")))
"""What a stage reads and writes: the key in dvc.lock, and those in dvc.yaml."""
LARGEST = 2**28
"""Bytes of an output that are read before a stage begins; pictures in larger ones are compared with their own hashes as they are read."""
COSTLY = {"generate", "judge", "finetune", "proof", "prompting"}
"""Stages in which models work."""
FOLDER = ".dir"
"""What a folder's hash ends in."""


def check(arguments: Sequence[str], largest: float = LARGEST) -> None:
    """Raises FileError where an input that another stage wrote has other bytes than dvc.lock names. DVC then looks again in the next run.

    Inputs are the outputs, up to so many bytes, that the arguments of the program or its last dependencies name; those of dvc.yaml, if it never
    ran. A folder that it writes into is no input, whoever else does. Run by hand, a program takes what it is given.
    """
    own, stages = running(), locked(Path())
    deps, written = (
        [each["path"] for each in stages[own].get(part, ())] if own in stages else _planned(own, *parts) for part, parts in PARTS
    )
    given = [each for each in arguments if not each.startswith("-") and not any(Path(out).is_relative_to(each) for out in written)]
    named = [*given, *deps]
    outs = {out["path"]: out.get("md5") for name, stage in stages.items() if name != own for out in stage.get("outs", ())}
    altered = [name for name in outs if outs[name] and _named(Path(name), named) and _altered(Path(name), outs[name], largest)]
    if not altered:
        return
    damaged = [file for name in altered for file in _exposed(Path(name), outs[name])]
    raise FileError(
        f"{(damaged or altered)[0]}: its bytes are not those that dvc.lock names: it is damaged, here or in DVC's cache, or was edited;"
        f" run `dvc repro` again, and it is made again"
    )


def again() -> str | None:
    """A line, where the stage that runs could be spared: nothing that it reads has changed since dvc.lock, and its results could be pulled."""
    if running().partition("@")[0] not in COSTLY:
        return None
    own = locked(Path()).get(running(), {})
    outs = [out["md5"] for out in own.get("outs", ()) if "md5" in out]
    deps = [(dep["path"], dep["md5"]) for dep in own.get("deps", ()) if "md5" in dep]
    if not outs or any(_altered(Path(name), wanted, LARGEST) for name, wanted in deps):
        return None
    from dvc.repo import Repo  # lazy import: only where something is missing

    with Repo() as repo:
        remote = repo.config["core"].get("remote")
        if not remote or all(Path(repo.cache.local.oid_to_path(oid)).exists() for oid in outs):
            return None
    return (
        f"{running()}: nothing that it reads has changed, and its results are neither here nor in DVC's cache:"
        f" `dvc pull {running()}` may fetch them from the remote {remote!r}"
    )


def _planned(stage: str, *parts: str) -> list[str]:
    """What parts of a stage name in dvc.yaml, but what needs more than the stage's own name."""
    plan, (base, _, key) = Path(PLAN), stage.partition("@")
    if not stage or not plan.is_file():
        return []
    body = read(plan.read_text("utf-8"))["stages"].get(base, {})
    listed = (each for part in parts for each in body.get("do", body).get(part, ()))
    paths = (path for each in listed for path in (each if isinstance(each, dict) else [each]))  # with options, or alone
    named = (path.replace("${key}", key).replace("${item.model}", key) for path in paths)
    return [path for path in named if "${" not in path]


def _named(out: Path, names: Sequence[str]) -> bool:
    """Whether an output is named, or a folder above it, or a file in it."""
    return any(out.is_relative_to(each) or Path(each).is_relative_to(out) for each in names)


def _altered(out: Path, wanted: str, largest: float) -> bool:
    """A folder's hash is DVC's: the MD5 of its listing as JSON; here, as DVC would be imported for it by every stage."""
    files = walk(out, hidden=True) if out.is_dir() else [out] * out.is_file()
    if not files or sum(file.stat().st_size for file in files) > largest:
        return False
    if not wanted.endswith(FOLDER):
        return _hash(out) != wanted
    listed = sorted(({"md5": _hash(file), "relpath": file.relative_to(out).as_posix()} for file in files), key=lambda each: each["relpath"])
    return f"{md5(json.dumps(listed, sort_keys=True).encode(), usedforsecurity=False).hexdigest()}{FOLDER}" != wanted


def _exposed(out: Path, wanted: str) -> Iterator[Path]:
    """Marks what is damaged, here and in the cache, as written to, so that DVC and the work store look at it again; yields the files of the output."""
    from dvc.repo import Repo  # lazy import: only where something is damaged

    with Repo() as repo:
        cache = repo.cache.local
        kept = Path(cache.oid_to_path(wanted))
        pairs = [(out, wanted)]
        if wanted.endswith(FOLDER):
            pairs = [(file, "") for file in walk(out, hidden=True)]
            if _expose(kept, wanted.removesuffix(FOLDER)) is False:
                known = {each["relpath"]: each["md5"] for each in json.loads(kept.read_bytes())}
                pairs = [(out / name, known.get(name, "")) for name in {*known, *(file.relative_to(out).as_posix() for file, _ in pairs)}]
        for file, oid in pairs:
            if oid:
                _expose(Path(cache.oid_to_path(oid)), oid)
            if _expose(file, oid) or not file.exists():
                yield file


def _expose(file: Path, wanted: str) -> bool | None:
    """Whether a file is damaged, and is marked; None where there is none."""
    if not file.is_file():
        return None
    if _hash(file) == wanted:
        return False
    file.chmod(file.stat().st_mode | 0o200)  # DVC trusts objects of its cache that are read-only
    os.utime(file)
    return True


def _hash(file: Path) -> str:
    with file.open("rb") as opened:
        return file_digest(opened, lambda: md5(usedforsecurity=False)).hexdigest()
