"""`trig serve`: start a vLLM server for a judge."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from trig import params
from trig.errors import JudgeError
from trig.params import Params
from trig.run.gpus import GPU
from trig.vocabulary.dimensions import Task


class Passing(TyperCommand):
    """Command that passes arguments after `--` through to another program, in `context.obj`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Split the arguments at `--`."""
        end = args.index("--") if "--" in args else len(args)
        ctx.obj = args[end + 1 :]
        return super().parse_args(ctx, args[:end])


def serve(
    context: typer.Context,
    judge: Annotated[
        str | None,
        typer.Argument(help="A judge with backend: openai, or a preset; if not given the configured one, or the only one there is."),
    ] = None,
    show: Annotated[bool, typer.Option("--print", help="Print the command and do not run it.")] = False,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="If not given that of the judge's first endpoint.")] = None,
    dtype: Annotated[
        str, typer.Option(help="auto: float32 on a CPU, as the judge of the pipeline's own process, and the checkpoint's own on a GPU.")
    ] = "auto",
    prompt_tokens: Annotated[int, typer.Option(min=1, help="Room for a prompt, in tokens.")] = 512,
    vllm: Annotated[
        Path | None, typer.Option(help="The vLLM program; if not given that of .venv-serve, else the one on the PATH.", show_default=False)
    ] = None,
) -> None:
    """Prints and runs the vLLM command that fits a judge. Arguments after -- are passed on: trig serve -- --max-num-seqs 64"""
    from trig.backends import checkpoint
    from trig.backends.judges import serve
    from trig.backends.judges.completions import LONGEST
    from trig.backends.weights import checkpoint_of
    from trig.llm import clients

    settings = params.load()
    name, entry = serve.choose(settings, judge)
    served, pinned = serve.source(name, entry)
    program = serve.executable(vllm)
    if program is None and not show:
        raise JudgeError(f"vllm: it is not here; `make {serve.OWN}/ready` installs it apart from the project, or give --vllm PATH")
    place = checkpoint_of(entry)
    length = serve.context(
        checkpoint.read(place) if checkpoint.there(place) else checkpoint.Checkpoint(None, None, None),
        settings.judge.max_pixels,
        _rubrics(settings),
        prompt_tokens,
        LONGEST if settings.judge.mode == "sampled" else 1,
    )
    kind = dtype if dtype != "auto" else None if GPU.exists() else "float32"
    arguments = serve.arguments(
        served, entry.model, host, port or serve.port(name, entry), length, kind, [*pinned, *entry.serve, *context.obj]
    )
    environment = os.environ if show else serve.environment(name, entry, os.environ)
    if not clients.is_loopback(host):
        advice = "" if entry.key else f", without a key: judges.{name}.key asks for one"
        print(f"warning: {host}: others may reach this server{advice}", file=sys.stderr)
    command = [program or "vllm", *arguments]
    print(serve.shown(command, entry), flush=True)
    if not show:
        os.execve(command[0], command, environment)  # replaces this process, so that signals reach the server


def _rubrics(settings: Params) -> list[str]:
    """All rubrics of the tasks of the run."""
    from trig.judge.rubrics import rubrics

    judge = settings.judge
    return [text for task in settings.annotate.tasks for text in rubrics(judge.rubrics, Task(task), judge.scale.grades).values()]
