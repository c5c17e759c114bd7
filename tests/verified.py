"""A small run of the tiny world: one model in a hurry, a prompt per pair, the real judge."""

import os
from pathlib import Path

import workplace

from stages import annotate, classify, gate_images, generate, judge

SMALL = {
    "annotate__tasks": ["t2i"],
    "tunings": {},
    "annotate__per_subset": 1,
    "annotate__train_per_subset": 1,
    "generate__roster": ["tiny"],
    "models__tiny__steps": 2,
    "thresholds__min_points": 1,
    "thresholds__bootstraps": 20,
}


def run(place: Path) -> None:
    """The stages whose tables `trig verify` checks, in a new folder, each with the hash of its code."""
    workplace.bench(place, **SMALL)
    (place / "material").symlink_to(workplace.ROOT / "material")
    for name in ("code", "review"):
        (place / "data" / name).mkdir()
    before = Path.cwd()
    os.chdir(place)
    try:
        stages(Path("data"))
    finally:
        os.chdir(before)


def stages(data: Path, **codes: str) -> None:
    """Run them in this folder; `codes`: hashes of code by stage, in place of the usual ones."""
    for name in ("annotate", "gate_images", "judge", "classify"):
        (data / "code" / f"{name}.txt").write_text(f"{codes.get(name, f'code of {name}')}\n", "utf-8")
    prompts, sources, images = data / "prompts.parquet", data / "sources", data / "images/tiny"
    kept = data / "rejected.parquet", sources, data / "annotate.json"
    material = Path("material/tiny")
    annotate.main(material, material / "sources", data / "review", prompts, *kept, code=data / "code/annotate.txt")
    generate.main("tiny", prompts, sources, images)
    gates = data / "gates/images/tiny.json", data / "tiny.html"
    gate_images.main(prompts, images, *gates, data / "figures/tiny", code=data / "code/gate_images.txt")
    scores, diagnostics = data / "scores/tiny.parquet", data / "diagnostics/tiny.parquet"
    judge.main("tiny", prompts, sources, images, scores, diagnostics, code=data / "code/judge.txt")
    classify.main(prompts, data / "scores", data / "diagnostics", data / "relations.parquet", code=data / "code/classify.txt")
