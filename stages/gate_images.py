"""Data-quality gate of the images table: exit code 2 if an expectation fails. Pictures that pass are measured: they are decoded here anyway.

python -m stages.gate_images [--code CODE] PROMPTS IMAGES/MODEL OUT_JSON OUT_HTML OUT_FIGURES/MODEL
"""

from pathlib import Path

from trig import params, tables
from trig.figures.measured import measured
from trig.figures.plain import Plain
from trig.gates import gate, images
from trig.gates.expect import View
from trig.gates.looks import LOOK
from trig.run.display import notes
from trig.run.edge import run
from trig.store import Store
from trig.tables import made
from trig.tables.figures import DIVERSITY, FIGURES
from trig.tables.prompts import PROMPTS, scoped

PARAMETERS = ("generate.seeds_per_prompt",)


def main(prompts: Path, folder: Path, out_json: Path, out_html: Path, out_figures: Path, *, code: Path | None = None) -> None:
    """Check the shards of a model, which is the name of their folder; write the verdict as JSON and as a page, then what is measured of them."""
    settings = params.load()
    told = made.by("gate-images", code, {f"images/{folder.name}": folder}, settings.told(*PARAMETERS))
    seeds, most = settings.generate.seeds_per_prompt, settings.gates.max_null_share

    def views() -> list[View]:
        return images.views(scoped(tables.read(prompts, PROMPTS), settings.scope(folder.name)), folder, folder.name, seeds, most, store)

    with Store.open() as store:
        found = measured(folder, seeds, Plain(), store, [LOOK])  # decodes for both: the gate finds its own reading in the store
        notes("images", gate("images", views, out_json, out_html).notes)
    tables.write(found.figures, FIGURES, out_figures / "figures.parquet", told)
    tables.write(found.diversity, DIVERSITY, out_figures / "diversity.parquet", told)


if __name__ == "__main__":
    run(main)
