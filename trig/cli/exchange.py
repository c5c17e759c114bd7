"""`trig import` and `trig export`: the published benchmark's formats."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from trig.cli.adapter import adapter
from trig.errors import FileError
from trig.run.display import notes
from trig.vocabulary.dimensions import Task

ORIGIN = "TRIG benchmark as published (arXiv 2507.22100)"


class Exports(TyperGroup):
    """`trig export TABLE …` writes prompts, `trig export adapter NAME FOLDER` a tuned adapter."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """A table is no command."""
        named = not args or args[0] in self.commands or args[0] in ("--help", "--show-completion")
        return super().parse_args(ctx, args if named else ["prompts", *args])


exports = typer.Typer(
    cls=Exports, no_args_is_help=True, help="Write prompts as the published benchmark has them, or a tuned adapter with its card."
)
exports.command("adapter")(adapter)
imports = typer.Typer(no_args_is_help=True, help="Make a material of a benchmark that others published.")


@imports.callback()
def formats() -> None:
    """Make a material of a benchmark that others published."""


@imports.command("trig-bench")
def trig_bench(
    paths: Annotated[
        list[str],
        typer.Argument(
            metavar="[TASK=]PATH…",
            help="JSON or parquet files, or a folder with them; or hub:owner/name@revision. TASK is t2i, p2p or s2p, where a file's name does not tell.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder to write, such as imported/trig-bench.", show_default=False)],
    images: Annotated[
        list[str] | None,
        typer.Option(metavar="[TASK=]FOLDER", help="Where img_id names pictures; may be given more than once.", show_default=False),
    ] = None,
    licence: Annotated[
        str | None, typer.Option(help="Licence of the data; otherwise what its README declares.", show_default=False)
    ] = None,
    language: Annotated[str | None, typer.Option(help="ISO 639-1; otherwise what its README declares, or en.", show_default=False)] = None,
) -> None:
    """Read the published TRIG benchmark: its JSON files with their pictures, or its layout on the Hugging Face hub."""
    from trig.exchange import folder, hub, reading
    from trig.exchange.album import Album
    from trig.exchange.header import declared
    from trig.exchange.importing import imported
    from trig.exchange.publishing import UNKNOWN

    places = [str(hub.fetched(path)) if path.startswith(hub.PREFIX) else path for path in paths]
    found = [each for place in places for each in reading.files(place)]
    if skipped := [file for place in places for file in reading.passed_over(place)]:
        notes(str(out), [f"files whose name tells no task, and which were not read: {len(skipped)}, {skipped[0].name} first"])
    said = next((told for place in places if (told := declared(Path(place)))), {})
    about = {
        "name": out.absolute().name,
        "language": language or said.get("language", "en"),
        "licence": licence or said.get("licence", UNKNOWN),
        "origin": f"{ORIGIN}: {', '.join(_called(path, place) for path, place in zip(paths, places, strict=True))}",
    }
    album = Album(_folders(images or []), ORIGIN, about["licence"])
    made = imported((record for file, task in found for record in reading.records(file, task)), album)
    folder.write(made, about, out)
    counts = Counter(made.prompts["task"])
    notes(str(out), made.notes)
    if about["licence"] == UNKNOWN:
        notes(str(out), ["the licence is unknown; name it by --licence before you share this"])
    print(f"{out}: {', '.join(f'{n:,} {task}' for task, n in counts.items())} prompts, {made.sources.height:,} source pictures")


def _called(path: str, place: str) -> str:
    """How the origin names a path: a repository at its commit, or a file without the folders of this machine."""
    return f"{path.partition('@')[0]}@{Path(place).name}" if path.startswith("hub:") else Path(place.partition("=")[2] or place).name


def _folders(given: Iterable[str]) -> Mapping[Task, list[Path]]:
    folders: dict[Task, list[Path]] = {task: [] for task in Task}
    for each in given:
        prefix, _, rest = each.partition("=")
        tasks, path = ([Task(prefix)], Path(rest)) if prefix in tuple(Task) else (list(Task), Path(each))
        if not path.is_dir():
            raise FileError(f"--images {each}: there is no such folder; name one with pictures")
        for task in tasks:
            folders[task].append(path)
    return folders


@exports.command("prompts")
def export(
    prompts: Annotated[Path, typer.Argument(help="A prompts table, or a folder that `trig import` wrote.", show_default=False)],
    to: Annotated[
        Literal["json", "hf"],
        typer.Option(help="json: a file per task, and pictures; hf: parquet files as on the hub.", show_default=False),
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Folder to write.", show_default=False)],
    sources: Annotated[
        Path | None, typer.Option(help="Source pictures; otherwise the folder `sources` beside the prompts.", show_default=False)
    ] = None,
    material: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the prompts' material: for name and licence, and what an import keeps; otherwise beside the prompts.",
            show_default=False,
        ),
    ] = None,
    rejected: Annotated[
        Path | None, typer.Option(help="Rejected drafts; otherwise rejected.parquet beside the prompts.", show_default=False)
    ] = None,
    split: Annotated[Literal["test", "train"], typer.Option(help="Which prompts.")] = "test",
) -> None:
    """Write prompts in the formats of the published benchmark, with a dataset card."""
    from trig.annotate.imported import about
    from trig.exchange import folder
    from trig.exchange.publishing import described, publish
    from trig.report.datasheet import datasheet

    file = prompts / folder.PROMPTS_FILE if prompts.is_dir() else prompts
    material, sources = material or file.parent, sources or file.parent / folder.SOURCES_FOLDER
    said = about(material).model_dump() if (material / folder.MATERIAL_FILE).exists() else {}
    told = described(file, split, said, material, sources, rejected)
    counts = publish(told, to, sources, out, datasheet)
    print(f"{out}: {', '.join(f'{n:,} {task}' for task, n in counts.items())} prompts")
