"""Gate a table: write the verdict as JSON and as a page, and stop the pipeline with exit code 2 when an expectation is not met.

python -m stages.gate prompts PROMPTS OUT_JSON OUT_HTML
python -m stages.gate images PROMPTS IMAGES/MODEL OUT_JSON OUT_HTML
python -m stages.gate scores PROMPTS SCORES/MODEL.parquet OUT_JSON OUT_HTML
python -m stages.gate relations PROMPTS RELATIONS OUT_JSON OUT_HTML
"""

import sys
from collections.abc import Iterable
from pathlib import Path

from trig import params, tables
from trig.backends.checkpoint import reserved
from trig.errors import ParamsError
from trig.gates import expect, gate, images, prompts, relations, scores
from trig.run.edge import run
from trig.tables.prompts import PROMPTS
from trig.tables.relations import RELATIONS
from trig.tables.scores import SCORES


def main(table: str, inputs: list[Path], out_json: Path, out_html: Path) -> None:
    """Check a table against its expectations; the model is the name of the images folder or of the scores file."""
    for note in gate(table, lambda: _views(table, inputs), out_json, out_html).notes:
        print(f"{table}: {note}", file=sys.stderr)


def _views(table: str, inputs: list[Path]) -> Iterable[expect.View]:
    settings = params.load()
    asked = tables.read(inputs[0], PROMPTS)
    match table, inputs[1:]:
        case "prompts", []:
            wanted, judge = settings.annotate, settings.judges[settings.judge.name]
            return prompts.views(asked, wanted.subsets(), wanted.per_subset, wanted.max_tokens, reserved(Path(judge.needs)))
        case "images", [folder]:
            return images.views(asked, folder, folder.name, settings.gates.max_null_share)
        case "scores", [file]:
            return scores.views(asked, tables.read(file, SCORES), file.stem, settings.gates.max_null_share)
        case "relations", [file]:
            return relations.views(asked, tables.read(file, RELATIONS), settings.gates.min_relations)
        case _:
            raise ParamsError(f"gate: {table} with {len(inputs)} inputs is unknown; `python -m stages.gate --help` lists the four forms")


if __name__ == "__main__":
    run(main)
