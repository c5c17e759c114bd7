"""Whether two runs ended with the same results: every output by its bytes, and tables row by row."""

from hashlib import md5
from pathlib import Path

import polars as pl

from trig.files import walk
from trig.notation import read


def differences(mine: Path, theirs: Path) -> list[str]:
    """What differs between the results of two projects, each in a few words; and what of the first one's DVC cache is damaged."""
    locks = [read((place / "dvc.lock").read_text("utf-8"))["stages"] for place in (mine, theirs)]
    found = (
        [f"dvc.lock has not the same stages: {', '.join(sorted(locks[0].keys() ^ locks[1].keys()))}"]
        if locks[0].keys() != locks[1].keys()
        else []
    )
    for out in (out["path"] for stage in locks[1].values() for out in stage.get("outs", ())):
        names = {place: _below(place / out) for place in (mine, theirs)}
        found += [f"{out}: {name} is in one only" for name in names[mine] ^ names[theirs]]
        found += [each for name in sorted(names[mine] & names[theirs]) if (each := _differ(out, mine / out / name, theirs / out / name))]
    return found + damaged(mine)


def _below(out: Path) -> set[str]:
    if out.is_file():
        return {"."}
    return {str(file.relative_to(out)) for file in walk(out, hidden=True)} if out.is_dir() else set()


def _differ(out: str, mine: Path, theirs: Path) -> str | None:
    if mine.read_bytes() == theirs.read_bytes():
        return None
    if mine.suffix != ".parquet":
        return f"{out}: {mine.name} differs"
    try:
        one, other = pl.read_parquet(mine), pl.read_parquet(theirs)
    except (pl.exceptions.PolarsError, OSError) as error:
        return f"{out}: {mine.name} cannot be read: {error}"
    rows = (
        one.height
        if one.schema != other.schema or one.height != other.height
        else sum(a != b for a, b in zip(one.rows(), other.rows(), strict=True))
    )
    return f"{out}: {mine.name} differs in {rows} of {one.height} rows"


def damaged(project: Path) -> list[str]:
    """Objects of DVC's cache that are not what they are named after, of those that dvc.lock names."""
    stages = read((project / "dvc.lock").read_text("utf-8"))["stages"]
    wanted = {out["md5"]: out["path"] for stage in stages.values() for out in stage.get("outs", ()) if "md5" in out}
    found = []
    for name, path in wanted.items():
        file = project / ".dvc/cache/files/md5" / name[:2] / name[2:]
        if file.exists() and md5(file.read_bytes(), usedforsecurity=False).hexdigest() != name.partition(".")[0]:
            found.append(f"DVC's cache: the object of {path} is damaged")
        if name.endswith(".dir") and file.exists():
            for each in read(file.read_text("utf-8")):
                part = project / ".dvc/cache/files/md5" / each["md5"][:2] / each["md5"][2:]
                if part.exists() and md5(part.read_bytes(), usedforsecurity=False).hexdigest() != each["md5"]:
                    found.append(f"DVC's cache: the object of {path}/{each['relpath']} is damaged")
    return found
