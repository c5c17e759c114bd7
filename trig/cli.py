"""`trig …`, for people: look at the machine, the zoo, the work store and the report, serve a judge, say what judging would cost, compare maps."""

from typing import Any

import typer
from typer.core import TyperGroup

from stages._cli import edge, stoppable
from trig import cli_compare, cli_doctor, cli_judge, cli_published, cli_report, cli_score, cli_serve, cli_store, cli_thresholds, cli_tiny


class Commands(TyperGroup):
    """Commands that end an interrupt with a line of ours: Typer would say `Aborted` of all of them."""

    def invoke(self, ctx: Any) -> Any:
        """Runs the command that was asked for."""
        with stoppable():
            return super().invoke(ctx)


app = typer.Typer(cls=Commands, add_completion=False, pretty_exceptions_enable=False, no_args_is_help=True)
app.command()(cli_compare.compare)
app.command()(cli_doctor.doctor)
app.command()(cli_doctor.models)
app.command()(cli_judge.judge)
app.command("published")(cli_published.shown)
app.command()(cli_report.report)
app.command()(cli_score.score)
app.command(cls=cli_serve.Passing)(cli_serve.serve)
app.command()(cli_store.store)
app.command()(cli_thresholds.thresholds)
app.add_typer(cli_tiny.app, name="tiny")


@app.callback()
def trig() -> None:
    """Measures and repairs the trade-offs between ten quality dimensions of image generators. `make repro` runs the whole pipeline."""


def main() -> None:
    """The console script: one line and exit code 2 for what a person can mend."""
    with edge():
        app()


if __name__ == "__main__":
    main()
