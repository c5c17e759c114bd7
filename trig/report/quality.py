"""Renders the quality report of the annotation as one offline HTML page without scripts: funnel, rejections, balance, sources, agreement."""

from collections.abc import Sequence
from importlib.resources import files

import jinja2
import polars as pl

from trig.report import theme
from trig.report.agreement import Agreement
from trig.report.quality_rows import checks, counts, coverage, histogram, origins, subsets, visible
from trig.tables.funnel import Funnel

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def page(
    prompts: pl.DataFrame, rejected: pl.DataFrame, funnel: Funnel, sources: pl.DataFrame | None, reviews: Sequence[Agreement] = ()
) -> str:
    """HTML of the page. Deterministic. Of `sources` only width, height, licence and origin are read; None where no task has pictures."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters.update(visible=visible, number="{:,}".format, percent=_percent, fixed=_fixed)
    tasks = list(dict.fromkeys(one.task for one in funnel.subsets))
    return environment.from_string(_part("web/quality.html")).render(
        policy=POLICY,
        style=theme.style() + _part("web/page.css") + _part("web/quality.css"),
        totals=_totals(funnel),
        checks=checks(rejected),
        subsets={(task, split): subsets(funnel, task, split) for split in ("test", "train") for task in tasks},
        histograms=[found for task in tasks if (found := histogram(prompts, task))],
        coverage=coverage(funnel),
        annotators=counts(prompts, ("annotator", "route", "split")),
        credits=funnel.credits,
        pictures=None if sources is None or sources.is_empty() else origins(sources),
        reviews=reviews,
    )


def _totals(funnel: Funnel) -> dict[str, int]:
    every = funnel.subsets
    return {
        "subsets": len({(one.task, one.pair) for one in every}),
        **{split: sum(one.accepted for one in every if one.split == split) for split in ("test", "train")},
        **{name: sum(getattr(one, name) for one in every) for name in ("wanted", "drafted", "copied", "accepted", "exhausted")},
        "rejected": sum(sum(one.rejected.values()) for one in every),
    }


def _part(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.0f} %"


def _fixed(value: float | None, digits: int = 2) -> str:
    return "–" if value is None else f"{value:.{digits}f}".replace("-", "−")
