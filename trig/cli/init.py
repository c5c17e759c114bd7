"""`trig init real`: a params.yaml of real models and a real judge, from the shipped one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from trig import params
from trig.cli import judges
from trig.cli.commits import MARK, commit
from trig.cli.edits import Edits, check, written
from trig.errors import ParamsError
from trig.files import replace
from trig.params.values import HUB
from trig.params.zoo import UNTRAINED, System, systems

app = typer.Typer(no_args_is_help=True, help="Write a params.yaml.")
TOKENS = 77
"""Longest prompt in words: what the text encoders of most systems read."""
SPARE = 32
"""Train prompts of each pair, where an adapter is trained."""
TUNED = "-dtm"
TRAINING: dict[str, int | float | bool] = {
    "batch_size": 2, "accumulation": 4, "gradient_checkpointing": True, "steps": 2060, "learning_rate": 4e-4, "rank": 8,
}  # fmt: skip
"""Settings of the paper's adapter of FLUX.1-dev: ten epochs of 1,648 pictures, eight in a step."""


@app.callback()
def init() -> None:
    """Write a params.yaml."""


@app.command()
def real(
    models: Annotated[str, typer.Option(help="Systems of the zoo (`trig models`), with commas between them.")],
    judge: Annotated[str, typer.Option(help="A preset of judges, or an entry that the template has.")],
    material: Annotated[str, typer.Option(help="A folder of material/, or any other.")] = "general",
    tasks: Annotated[str, typer.Option(help="t2i, p2p and s2p, with commas between them.")] = "t2i",
    profile: Annotated[
        str, typer.Option(help="trig: the sizes of the published benchmark; even: annotate.per_subset of each subset.")
    ] = "trig",
    finetune: Annotated[str | None, typer.Option(metavar="MODEL", help="One of the models, to train an adapter for.")] = None,
    template: Annotated[Path, typer.Option(help="File that comments and all other values come from.")] = params.PATH,
    out: Annotated[Path, typer.Option(help="File to write.")] = params.PATH,
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """Writes a params file that runs: models of the zoo at a pinned commit, a judge, published sizes, full rubrics, no fine-tuning unless asked."""
    if out.exists() and not force:
        raise ParamsError(
            f"{out}: it is there; add --force to replace it (`git diff {out}` shows what changed then), or name another --out"
        )
    roster, asked = _words(models), _words(tasks)
    for name in roster:
        _paints(name, asked)
    if finetune is not None and finetune not in roster:
        raise ParamsError(f"--finetune: {finetune!r} is none of --models; choose of {', '.join(roster)}")
    if finetune is not None and not systems()[finetune].trained:
        can = ", ".join(name for name, system in systems().items() if system.trained)
        raise ParamsError(f"--finetune: no adapter can be trained for {finetune!r}: {UNTRAINED}; choose of {can}, and name it in --models")
    pinned = {name: commit(systems()[name].repository, systems()[name].revision) for name in roster}
    edits = Edits(_read(template), str(template))
    _prompts(edits, material, asked, profile, tuned=finetune is not None)
    _models(edits, roster, pinned, asked, finetune)
    judging, unpinned = _judge(edits, judge, template)
    check(edits.text.replace(f"@{MARK}", f"@{'0' * 40}"), out)  # a missing commit is for later
    replace(out, edits.text.encode())
    still = {f"models.{name}": str(systems()[name].repository) for name, found in pinned.items() if found == MARK}
    _tell(out, roster, still | ({f"judges.{judging}": unpinned} if unpinned else {}))


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(word.strip() for word in text.split(",") if word.strip()))


def _paints(name: str, tasks: Sequence[str]) -> None:
    """Raises ParamsError for a system that cannot be run, or on none of the tasks."""
    if (system := systems().get(name)) is None:
        raise ParamsError(f"--models: {name!r} is not in the zoo; choose of {', '.join(systems())}; add models of your own to the file")
    if system.unavailable:
        raise ParamsError(f"--models: {name!r} is unavailable: {system.unavailable}")
    if not set(tasks) & set(system.tasks):
        raise ParamsError(
            f"--tasks: {', '.join(tasks)}: {name} paints none of them but {', '.join(system.tasks)}; leave it out, or name what it paints"
        )


def _read(template: Path) -> str:
    params.load(template)
    return template.read_text("utf-8").removeprefix("\ufeff")


def _prompts(edits: Edits, material: str, tasks: Sequence[str], profile: str, tuned: bool) -> None:
    place = Path("material", material) if Path("material", material).is_dir() else Path(material)
    if not place.is_dir():
        known = ", ".join(sorted(each.name for each in Path("material").glob("*/"))) or "none"
        raise ParamsError(f"--material: {material!r} is no folder; choose of material/ ({known}), or give a path")
    edits.scalar("annotate", "material", value=place.as_posix())
    if (place / "sources").is_dir():
        edits.scalar("annotate", "sources", value=(place / "sources").as_posix())
    edits.block("annotate", "tasks", lines=[f"- {written(task)}" for task in tasks])
    edits.scalar("annotate", "profile", value=profile)
    edits.scalar("annotate", "max_tokens", value=TOKENS)
    edits.scalar("annotate", "train_per_subset", value=SPARE if tuned else 0)


def _models(edits: Edits, roster: Sequence[str], pinned: dict[str, str], tasks: Sequence[str], finetune: str | None) -> None:
    tuned = f"{finetune}{TUNED}"
    edits.block("generate", "roster", lines=[f"- {name}" for name in (*roster, *([tuned] if finetune else []))])
    edits.scalar("generate", "batch_size", value=8)
    scopes = {name: _scope(systems()[name], tasks) for name in roster}
    entries = {name: [*_entry(name, systems()[name], pinned[name]), *scopes[name]] for name in roster}
    lines = [line for name, entry in entries.items() for line in (f"{name}:", *(f"  {line}" for line in entry))]
    for section in ("promptings", "prompting"):
        edits.drop(section)
    if finetune is None:
        for section in ("tunings", "finetune", "proof"):
            edits.drop(section)
    else:
        adapter = f"data/lora/{tuned}"
        lines += [
            f"{tuned}:",
            f"  extends: {finetune}",
            f"  adapter: {adapter}",
            f"  needs: {adapter}",
            *(f"  {line}" for line in scopes[finetune]),
        ]
        edits.block("tunings", lines=[f"{tuned}:", f"  base: {finetune}"])
        for name, value in TRAINING.items():
            edits.scalar("finetune", name, value=value)
        edits.scalar("finetune", "task", value=next(task for task in tasks if task in systems()[finetune].tasks))
        edits.scalar("proof", "eye", "weights", value=None)
        edits.scalar("proof", "eye", "needs", value=params.PATH.as_posix())
    edits.block("models", lines=lines)


def _scope(system: System, tasks: Sequence[str]) -> list[str]:
    """A line for a system that does not paint all the tasks."""
    own = [task for task in tasks if task in system.tasks]
    return [] if len(own) == len(tasks) else [f"scope: {{tasks: [{', '.join(own)}]}}"]


def _entry(name: str, system: System, found: str) -> list[str]:
    """Lines of an entry that takes everything but its weights from the zoo."""
    about = (
        f"# {', '.join([*([f'{system.billions:g} B'] if system.billions else []), system.licence, *(['gated'] if system.gated else [])])}"
    )
    find = "  # put the commit here: the weights are not pinned yet" if found == MARK else ""
    own = [f"weights: {HUB}{system.repository}@{found}{find}"] if system.repository and not system.revision else []
    return [f"extends: {name}  {about}", *own, f"needs: {params.PATH}"]


def _judge(edits: Edits, judge: str, template: Path) -> tuple[str, str | None]:
    """The entry's name, and its repository where the commit is still open."""
    name, unpinned = judges.put(edits, judge, params.load(template).judges)
    edits.scalar("judge", "name", value=name)
    edits.scalar("judge", "batch_size", value=16)
    edits.scalar("judge", "rubrics", value="full")
    return name, unpinned


def _tell(out: Path, roster: Sequence[str], still: Mapping[str, str]) -> None:
    typer.echo(f"{out}: written, with {', '.join(roster)}")
    for entry, repository in still.items():
        typer.echo(
            f"{out}: {entry}.weights: no commit could be looked up, and nothing runs before one stands there; put in the 40 digits that"
            f" `git ls-remote https://huggingface.co/{repository} main` prints, or go online and repeat this with --force"
        )
    for name in roster:
        if option := getattr(systems()[name], "wants", None):
            typer.echo(f"{out}: models.{name}.options.{option}: every row fails before it is set; see {systems()[name].source}")
    loading = [name for name in roster if systems()[name].repository]
    first = f"`trig models fetch {' '.join(loading)}` brings the weights, " if loading else ""
    typer.echo(f"Next: {first}`trig doctor` says what will not work, `dvc repro` runs.")
