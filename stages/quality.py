"""Render the quality report of the annotation.

python -m stages.quality PROMPTS REJECTED FUNNEL SOURCES REVIEW OUT_HTML
"""

from pathlib import Path

from trig import tables
from trig.files import replace
from trig.run.edge import run
from trig.tables import funnel
from trig.tables.prompts import PROMPTS
from trig.tables.rejected import REJECTED
from trig.tables.sources import SOURCES


def main(prompts: Path, rejected: Path, counts: Path, sources: Path, review: Path, out_html: Path) -> None:
    """Read what annotate wrote, and the figures of its review by people; write a page."""
    from trig.report import agreement, quality  # lazy import: altair slows `--help`

    told = SOURCES.only({"width", "height", "origin", "licence"})
    pictures = tables.read(sources, told) if tables.shards(sources) else None
    figures = [agreement.read(file) for file in agreement.files(review)]
    asked = tables.read(prompts, PROMPTS), tables.read(rejected, REJECTED), funnel.read(counts)
    replace(out_html, quality.page(*asked, pictures, figures).encode())


if __name__ == "__main__":
    run(main)
