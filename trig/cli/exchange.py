"""`trig import` and `trig export`: the published benchmark's formats."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from trig.errors import FileError
from trig.run.display import notes
from trig.vocabulary.dimensions import Task

if TYPE_CHECKING:
    import polars as pl

    from trig.annotate.imported import About
    from trig.exchange.exporting import Pictures
    from trig.report.datasheet import Described

UNKNOWN = "unknown"
ORIGIN = "TRIG benchmark as published (arXiv 2507.22100)"
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
    from trig import tables
    from trig.exchange import exporting, folder
    from trig.exchange.header import head
    from trig.report.datasheet import datasheet
    from trig.tables.prompts import PROMPTS
    from trig.tables.prompts import split as of_split

    file = prompts / folder.PROMPTS_FILE if prompts.is_dir() else prompts
    chosen = of_split(tables.read(file, PROMPTS), split)
    if not chosen.height:
        raise FileError(f"{file}: no prompt of the {split} split; choose another split")
    material, sources = material or file.parent, sources or file.parent / folder.SOURCES_FOLDER
    published, about = _published(material / folder.PUBLISHED_FILE), _about(material)
    told = _described(about, chosen, sources, rejected or file.parent / "rejected.parquet", published)
    with exporting.pictures_of(chosen, sources) as pictures, folder.building(out) as part:
        files = _write(to, chosen, published, pictures, part)
        counts = {task: chosen.filter(chosen["task"] == task).height for task in files}
        columns = exporting.columns_of(part / next(iter(files.values()))) if to == "hf" else None
        top = head(told.name, about.language if about else "en", told.licence, files, counts, columns)
        (part / "README.md").write_text(f"{top}\n{datasheet(told)}", "utf-8")
    print(f"{out}: {', '.join(f'{n:,} {task}' for task, n in counts.items())} prompts")


def _about(material: Path) -> "About | None":
    from trig.annotate.imported import about

    return about(material) if (material / "material.yaml").exists() else None


def _published(file: Path) -> "pl.DataFrame | None":
    from trig import tables
    from trig.tables.published import PUBLISHED

    return tables.read(file, PUBLISHED) if file.exists() else None


def _described(
    about: "About | None", chosen: "pl.DataFrame", sources: Path, rejected: Path, published: "pl.DataFrame | None"
) -> "Described":
    """What the datasheet tells; only licences and origins are read of the pictures."""
    from trig import tables
    from trig.report.datasheet import Described
    from trig.tables.rejected import REJECTED
    from trig.tables.sources import SOURCES

    named = chosen.select("source").drop_nulls().unique()
    return Described(
        name=about.name if about else "TRIG prompts",
        origin=about.origin if about else "",
        licence=about.licence if about else UNKNOWN,
        prompts=chosen,
        sources=tables.read(sources, SOURCES.only(("origin", "licence"))).join(named, on="source", how="semi") if named.height else None,
        rejected=tables.read(rejected, REJECTED) if rejected.exists() else None,
        left_out=None if published is None else published.filter(published["reason"].is_not_null()),
    )


def _write(
    to: Literal["json", "hf"], chosen: "pl.DataFrame", published: "pl.DataFrame | None", pictures: "Pictures", folder: Path
) -> Mapping[Task, str]:
    from trig.exchange import exporting

    rows = exporting.rows(chosen, published, pictures)
    return exporting.write_json(rows, pictures, folder) if to == "json" else exporting.write_hf(rows, pictures, folder)
