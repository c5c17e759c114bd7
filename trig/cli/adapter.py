"""`trig export adapter`: a tuned adapter with its model card, to share."""

import json
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING, Annotated

import polars as pl
import typer

from trig import params, tables
from trig.backends.cards import TUNING
from trig.errors import ParamsError, WeightsError
from trig.files import building
from trig.notation import read
from trig.params.options import scaled
from trig.tables import funnel
from trig.tables.lessons import LESSONS
from trig.tables.made import noted
from trig.tables.relations import RELATIONS

if TYPE_CHECKING:
    from trig.params import Params
    from trig.report.modelcard import Adapted

WEIGHTS = "pytorch_lora_weights.safetensors"


def adapter(
    name: Annotated[str, typer.Argument(help="A tuned model, one of `tunings`.")],
    out: Annotated[Path, typer.Argument(metavar="FOLDER", help="Folder to write.")],
    data: Annotated[Path, typer.Option(help="The folder with the tables of a run.")] = Path("data"),
) -> None:
    """Write a tuned adapter as diffusers loads it, with a card of what it changes: `pipe.load_lora_weights(FOLDER)`."""
    from trig.report.modelcard import model_card  # lazy import: the report slows `trig --help`

    settings = params.load()
    settings.tuning(name)
    entry = settings.pipeline(name)
    if entry.adapter is None:
        raise ParamsError(f"{params.PATH}: models.{name}.adapter: null: there is nothing to export; name the folder that finetune writes")
    place = Path(scaled(entry.adapter)[0])
    for file in (WEIGHTS, TUNING):
        if not (place / file).is_file():
            raise WeightsError(
                f"{place / file}: there is no such file; run `dvc repro finetune@{name}`, or fetch it with `dvc pull {place}`"
            )
    told = _told(settings, name, place, data)
    with building(out) as part:
        copyfile(place / WEIGHTS, part / WEIGHTS)
        (part / "README.md").write_text(model_card(told), "utf-8")
    print(f"{out}: {WEIGHTS} of {name}, and README.md")


def _told(settings: "Params", name: str, place: Path, data: Path) -> "Adapted":
    from trig.report import digest
    from trig.report.modelcard import Adapted

    tuning, finetune = settings.tuning(name)
    made = digest.read(data / "digest" / "facts.json")
    of = [one.tuned for one in made.facts["tunings"]]
    if name not in of:
        raise ParamsError(f"{data / 'digest/facts.json'}: it tells nothing of {name}: add it to generate.roster and run `dvc repro`")
    lessons, relations = data / "lessons" / f"{name}.parquet", tables.read(data / "relations.parquet", RELATIONS)
    material = Path(settings.annotate.material) / "material.yaml"
    return Adapted(
        name=name,
        base=tuning.base,
        model=settings.pipeline(tuning.base),
        settings=finetune,
        card=json.loads((place / TUNING).read_text("utf-8")),
        lessons=tables.read(lessons, LESSONS),
        relations=relations.filter(pl.col("model").cast(pl.String).is_in([tuning.base, name])),
        changes=made.changes[of.index(name)],
        proof=next((one["said"] for one in made.facts["proofs"] if one["model"] == name), ()),
        judge=made.facts["versions"].get("judge", settings.judge.name),
        scorer=settings.judge.name,
        tiny=made.tiny,
        licence=str(read(material.read_text("utf-8")).get("licence", "unknown")) if material.is_file() else "unknown",
        credits=funnel.read(data / "annotate.json").credits,
        versions=_versions(name, place, lessons, data),
    )


def _versions(name: str, place: Path, lessons: Path, data: Path) -> dict[str, str]:
    """Hashes of lessons, what they were made of, weights; the commit; what DVC locked."""
    from trig.provenance.story import git

    note, commit, zoo = noted(lessons), git(), data / "zoo" / f"{name}.json"
    told = {"lessons": note.rows} if note else {}
    told |= {f"{each} of the lessons": value for each, value in note.made.inputs.items()} if note and note.made else {}
    if zoo.is_file():
        record = json.loads(zoo.read_text("utf-8"))
        told |= {"adapter": record["revision"], "base weights": record["weights"]}
    if commit["commit"]:
        told["git"] = f"{commit['commit']}{' with uncommitted changes' if commit['changed'] else ''}"
    lock = Path("dvc.lock")
    stages = read(lock.read_text("utf-8"))["stages"] if lock.is_file() else {}
    outs = {out["path"]: out["md5"] for stage in stages.values() for out in stage.get("outs", ())}
    return told | {f"dvc, {path}": outs[path] for path in (place.as_posix(), lessons.as_posix()) if path in outs}
