"""Write prompts for every pair of dimensions.

python -m stages.annotate CAPTIONS SUB_PROMPTS PROMPTS
"""

from pathlib import Path

from trig import params, tables
from trig.annotate import compose, sources
from trig.run.edge import run
from trig.tables.prompts import PROMPTS


def main(captions: Path, sub_prompts: Path, prompts: Path) -> None:
    """Read data/captions.yaml and data/sub_prompts.yaml, write data/prompts.parquet."""
    settings = params.load()
    made = compose.prompts(sources.captions(captions), sources.sub_prompts(sub_prompts), settings.annotate, settings.seed)
    tables.write(made, PROMPTS, prompts)


if __name__ == "__main__":
    run(main)
