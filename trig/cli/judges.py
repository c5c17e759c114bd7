"""The judge that `trig init real` writes: an entry that extends a preset."""

from collections.abc import Collection

from trig import params
from trig.cli.commits import MARK, commit
from trig.cli.edits import Edits
from trig.errors import ParamsError
from trig.params.presets import presets
from trig.params.values import HUB


def put(edits: Edits, judge: str, kept: Collection[str]) -> tuple[str, str | None]:
    """Writes an entry of a preset in place of the template's; an entry of the template stays.

    The name of the entry, and its repository where the commit is still open.
    """
    if judge in kept:
        return judge, None
    if (preset := presets().get(judge)) is None:
        raise ParamsError(
            f"--judge: {judge!r} is unknown; choose a preset: {', '.join(presets())}; or an entry of the template: {', '.join(kept)}"
        )
    name = judge.replace(".", "-")  # DVC reads a dot as a nested key
    size = [f"{preset.billions:g} B"] if preset.billions else []
    found = ""
    own = [f"extends: {judge}  # {', '.join([*size, preset.licence])}"]
    if preset.repository and not preset.revision:
        found = commit(preset.repository, preset.revision)
        own.append(
            f"weights: {HUB}{preset.repository}@{found}"
            + ("  # put the commit here: the weights are not pinned yet" if found == MARK else "")
        )
    edits.block("judges", lines=[f"{name}:", *(f"  {line}" for line in (*own, f"needs: {params.PATH}"))])
    return name, preset.repository if found == MARK else None
