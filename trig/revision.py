"""Pipeline outputs at a git revision or DVC experiment, from DVC's cache."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from trig import tables
from trig.errors import RevisionError
from trig.notation import NotationError, read
from trig.tables import Table

if TYPE_CHECKING:
    from dvc.repo import Repo


@dataclass(frozen=True, slots=True)
class Revision:
    """A project at a commit."""

    name: str  # as given
    commit: str  # 40 hex digits
    outputs: Mapping[str, Path]  # path → its copy in DVC's cache, of every stage output file
    params: Mapping[str, Any]  # unvalidated: an older file may have other keys

    def table(self, path: Path, table: Table) -> pl.DataFrame:
        """A stage output, missing nullable columns as null. Raises RevisionError (no output, not cached, other columns missing) or TableError (values)."""
        where = f"{self.name}:{path.as_posix()}"
        if path.as_posix() not in self.outputs:
            raise RevisionError(
                f"{where}: no stage of that revision wrote it; it wrote {self._alike(path)}; choose a later revision, or a name that it has"
            )
        file = self.outputs[path.as_posix()]
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

    def _alike(self, path: Path) -> str:
        near = [name for name in self.outputs if Path(name).parent == path.parent]
        return ", ".join(sorted(near)) or "nothing beside it"


def find(name: str, root: Path) -> Revision:
    """Resolve a branch, tag, commit or experiment; `root` is the project folder. Raises RevisionError if unknown, ambiguous or without dvc.lock."""
    from dvc.exceptions import DvcException, NotDvcRepoError  # lazy import: DVC slows `trig --help`
    from dvc.repo import Repo
    from dvc.scm import NoSCMError, resolve_rev

    try:
        with Repo(str(root)) as repo:
            commit = resolve_rev(repo.scm, name or "no name")  # DVC takes "" as HEAD
            with repo.switch(commit):
                outputs, params = _outputs(repo), _params(repo, name)
    except (NotDvcRepoError, NoSCMError):
        raise RevisionError(f"--rev: {root.resolve()} is not under git and DVC, so it has no revisions") from None
    except (DvcException, ValueError) as error:
        raise RevisionError(
            f"--rev: {name!r}: {error}; choose a branch, tag, commit or experiment: `git log --oneline` and `dvc exp list` show them"
        ) from None
    if not outputs:
        raise RevisionError(
            f"--rev: {name!r} has no dvc.lock, so nothing says what its stages wrote; choose one that has the results of a `dvc repro`"
        )
    return Revision(name, commit, outputs, params)


def _outputs(repo: "Repo") -> dict[str, Path]:
    found = (out for out in repo.index.outs if out.hash_info and not out.hash_info.isdir)
    return {Path(repo.fs.relpath(out.fs_path, repo.root_dir)).as_posix(): Path(out.cache_path) for out in found}


def _params(repo: "Repo", name: str) -> Mapping[str, Any]:
    file = repo.fs.join(repo.root_dir, "params.yaml")
    try:
        found = read(repo.fs.open(file, encoding="utf-8").read()) if repo.fs.exists(file) else None
    except NotationError as error:
        raise RevisionError(f"{name}:params.yaml: not readable as YAML: {error}") from None
    return found if isinstance(found, dict) else {}
