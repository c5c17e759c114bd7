"""`trig`: the command-line interface for people."""

from importlib.metadata import entry_points
from typing import Any

import typer
from typer.core import TyperGroup

from trig.cli import (
    annotate,
    compare,
    doctor,
    exchange,
    front,
    generate,
    init,
    judge,
    models,
    prompting,
    published,
    report,
    review,
    score,
    serve,
    store,
    sweep,
    thresholds,
    trace,
    verify,
)
from trig.run.edge import edge, stoppable

PLUGS = "trig.commands"
"""Entry points of other packages: each is a Typer app with commands of its own."""


class Commands(TyperGroup):
    """Command group that ends KeyboardInterrupt with our own line, in place of Typer's `Aborted`."""

    def invoke(self, ctx: Any) -> Any:
        """Run the chosen command."""
        with stoppable():
            return super().invoke(ctx)


app = typer.Typer(cls=Commands, add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)
app.command()(annotate.annotate)
app.command()(compare.compare)
app.command()(doctor.doctor)
app.command()(front.front)
app.command()(generate.generate)
app.add_typer(exchange.exports, name="export")
app.add_typer(exchange.imports, name="import")
app.command()(judge.judge)
app.command()(prompting.prompting)
app.command("published")(published.shown)
app.command()(report.report)
app.command()(score.score)
app.command(cls=serve.Passing)(serve.serve)
app.command()(store.store)
app.command()(sweep.sweep)
app.command()(thresholds.thresholds)
app.command()(trace.trace)
app.command()(verify.verify)
app.add_typer(init.app, name="init")
app.add_typer(models.app, name="models")
app.add_typer(review.app, name="review")
for plug in sorted(entry_points(group=PLUGS), key=lambda point: point.name):
    app.add_typer(plug.load(), name=plug.name)


@app.callback()
def trig() -> None:
    """Measures and repairs the trade-offs between ten quality dimensions of image generators. `make repro` runs the whole pipeline."""


def main() -> None:
    """Console script entry point: a TrigError is one line and exit code 2."""
    with edge():
        app()


if __name__ == "__main__":
    main()
