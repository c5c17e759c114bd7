"""Pipeline outputs at a git revision or DVC experiment, from DVC's cache."""

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from re import fullmatch
from typing import Any

import polars as pl

from trig import tables
from trig.errors import RevisionError
from trig.notation import NotationError, read
from trig.tables import Table

EXPERIMENTS = "refs/exps"
EXPERIMENT_DEPTH = 5
"""Path components of an experiment's ref, refs/exps/ab/cdef…/name; DVC's internal refs have fewer."""


@dataclass(frozen=True, slots=True)
class Revision:
    """A project at a commit."""

    name: str  # as given
    commit: str  # 40 hex digits
    root: Path  # project folder, working tree
    cache: Path  # DVC's content-addressed cache
    outputs: Mapping[str, str]  # path → md5, of every stage output file

    def table(self, path: Path, table: Table) -> pl.DataFrame:
        """A stage output, missing nullable columns as null. Raises RevisionError (no output, not cached, other columns missing) or TableError (values)."""
        where = f"{self.name}:{path.as_posix()}"
        if path.as_posix() not in self.outputs:
            raise RevisionError(f"{where}: no stage of that revision wrote it; it wrote {self._alike(path)}")
        md5 = self.outputs[path.as_posix()]
        file = self.cache / "files" / "md5" / md5[:2] / md5[2:]
        if not file.is_file():
            raise RevisionError(f"{where}: not in DVC's cache; fetch it with `git checkout {self.commit[:10]} && dvc pull`, then come back")
        try:
            found = pl.read_parquet(file)
        except (pl.exceptions.PolarsError, OSError) as error:
            raise RevisionError(f"{where}: its copy in DVC's cache is not readable ({str(error).splitlines()[0]})") from None
        later = [name for name in table.columns if name not in found.columns]
        if missing := [name for name in later if name not in table.nullable]:
            raise RevisionError(f"{where}: written before the {table.name} table had a column {missing[0]!r}; choose a later revision")
        return tables.check(found.with_columns(pl.lit(None).alias(name) for name in later), table, where)

    def params(self) -> dict[str, Any]:
        """Parameters of the revision, unvalidated: an older file may have other keys."""
        return _yaml(_git(self.root, "show", f"{self.commit}:./params.yaml") or "", f"{self.name}:params.yaml")

    def _alike(self, path: Path) -> str:
        near = [name for name in self.outputs if Path(name).parent == path.parent]
        return ", ".join(sorted(near)) or "nothing beside it"


def find(name: str, root: Path) -> Revision:
    """Resolve a branch, tag, commit or experiment; `root` is the project folder. Raises RevisionError if unknown, ambiguous or without dvc.lock."""
    if _git(root, "rev-parse", "--is-inside-work-tree") is None:
        raise RevisionError(f"--rev: {root.resolve()} is not under git, so it has no revisions")
    commit = _commit(name, root)
    lock = _git(root, "show", f"{commit}:./dvc.lock")
    if lock is None:
        raise RevisionError(
            f"--rev: {name!r} has no dvc.lock, so nothing says what its stages wrote; choose a revision after a `dvc repro`"
        )
    stages = _yaml(lock, f"{name}:dvc.lock").get("stages", {})
    outputs = {
        out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", []) if fullmatch("[0-9a-f]{32}", out["md5"])
    }
    return Revision(name, commit, root, _cache(root), outputs)


def _commit(name: str, root: Path) -> str:
    """Commit of a name. Git does not resolve an experiment's name, the last component of its ref."""
    found = _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    if found is not None:
        return found.strip()
    listed = _git(root, "for-each-ref", "--format=%(objectname) %(refname)", EXPERIMENTS) or ""
    refs = [line.partition(" ")[::2] for line in listed.splitlines()]
    named = {commit for commit, ref in refs if ref.count("/") == EXPERIMENT_DEPTH - 1 and ref.rpartition("/")[2] == name}
    if len(named) > 1:
        raise RevisionError(f"--rev: {len(named)} experiments are called {name!r}; give the commit of one: {', '.join(sorted(named))}")
    if not named:
        raise RevisionError(
            f"--rev: {name!r} is no branch, tag, commit or experiment here; `git log --oneline` and `dvc exp list` show them"
        )
    return named.pop()


def _git(root: Path, *arguments: str) -> str | None:
    """stdout of a git command; None if it fails."""
    asked = subprocess.run(["git", "-C", str(root), *arguments], capture_output=True, text=True, check=False)
    return asked.stdout if asked.returncode == 0 else None


def _yaml(text: str, where: str) -> dict[str, Any]:
    try:
        found = read(text)
    except NotationError as error:
        raise RevisionError(f"{where}: not readable as YAML: {error}") from None
    return found if isinstance(found, dict) else {}


def _cache(root: Path) -> Path:
    """DVC's cache folder, as configured."""
    asked = subprocess.run([sys.executable, "-m", "dvc", "cache", "dir"], cwd=root, capture_output=True, text=True, check=False)
    if asked.returncode:
        raise RevisionError(f"--rev: DVC does not say where its cache is: {asked.stderr.strip().splitlines()[-1]}")
    return Path(asked.stdout.strip())
