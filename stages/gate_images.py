"""Data-quality gate of the images table: exit code 2 if an expectation fails.

python -m stages.gate_images PROMPTS IMAGES/MODEL OUT_JSON OUT_HTML
"""

from pathlib import Path

from trig import params, tables
from trig.gates import gate, images
from trig.run.display import notes
from trig.run.edge import run
from trig.tables.prompts import PROMPTS


def main(prompts: Path, folder: Path, out_json: Path, out_html: Path) -> None:
    """Check the shards of a model, which is the name of their folder; write the verdict as JSON and as a page."""
    most = params.load().gates.max_null_share
    notes(
        "images", gate("images", lambda: images.views(tables.read(prompts, PROMPTS), folder, folder.name, most), out_json, out_html).notes
    )


if __name__ == "__main__":
    run(main)
