"""Cache versions with the modules they cover, and fingerprints of their code.

`python tests/fingerprints.py` rewrites tests/fingerprints.json. It refuses where code has changed and its version has not; `--same-results NAME …`, or
`--same-results all`, accepts an edit that changes no result of these, such as a rename.
"""

import importlib
import json
import sys
from collections.abc import Sequence
from hashlib import blake2b
from pathlib import Path
from typing import TypedDict

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from trig.run.code import meaning  # noqa: E402 - from the folder that this file stands in, however it is started

GOLDEN = Path(__file__).with_suffix(".json")
ARCHITECTURES = tuple(f"backends/families/{name}" for name in ("flux", "qwen", "sana", "sd3", "unet"))
"""Families that are trained."""
DECIDES = {
    "trig.backends.painters.diffusers.PAINTING": (
        "backends/painters/diffusers",
        "backends/painters/pipeline",
        "backends/painters/batches",
        "backends/painters/reader",
        "backends/painters/adapter",
        "backends/painters/subject",
        "backends/painters/quantise",
        "backends/painters/develop",
        "backends/families/__init__",
        "backends/families/calls",
        "backends/families/painted",
        *ARCHITECTURES,
        "generate/plan",
        "pictures",
    ),
    "trig.backends.painters.folder.PAINTING": ("backends/painters/folder", "backends/painters/mapping", "pictures"),
    "trig.backends.painters.openai.PAINTING": ("backends/painters/openai", "llm/fetch", "llm/images", "pictures"),
    "trig.backends.painters.transformers.PAINTING": (
        "backends/painters/transformers",
        "backends/painters/batches",
        "backends/painters/develop",
        "pictures",
    ),
    "trig.backends.judges.transformers.ASKING": (
        "backends/judges/transformers",
        "backends/judges/chat",
        "backends/judges/forward",
        "backends/checkpoint",
        "judge/labels",
        "pictures",
    ),
    "trig.backends.judges.openai.ASKING": (
        "backends/judges/openai",
        "backends/judges/contact",
        "backends/judges/completions",
        "backends/checkpoint",
        "judge/labels",
        "llm/contact",
        "llm/images",
        "pictures",
    ),
    "trig.backends.clip.SEEING": ("backends/clip", "backends/heads/card", "backends/heads/scores"),
    "trig.backends.annotators.openai.ASKING": ("backends/annotators/openai", "llm/shapes", "llm/images", "pictures"),
    "trig.annotate.asked.KEEPING": ("annotate/asked", "annotate/shapes"),
    "trig.judge.pictures.FITTING": ("judge/pictures", "pictures"),
    "trig.classify.resampling.RESAMPLING": (
        "classify/resampling",
        "classify/draws",
        "classify/summary",
        "classify/ranks",
        "classify/arrays",
        "classify/stack",
        "stats/bootstrap",
    ),
    "trig.generate.shards.SHARDING": ("generate/shards", "generate/kept", "tables/images", "tables/made", "tables/pictures"),
    "trig.gates.looks.LOOKING": ("gates/looks", "figures/once", "pictures"),
    "trig.figures.measures.MEASURING": ("figures/measures", "figures/measured", "figures/once", "vocabulary/figures", "pictures"),
    "trig.figures.plain.FEATURING": ("figures/plain", "figures/measures", "figures/measured", "figures/once", "pictures"),
    "trig.report.sheets.DRAWING": ("report/sheets", "pictures"),
    "trig.report.libraries.BUNDLING": ("report/libraries",),
    "trig.backends.trainers.online.PRACTISING": (
        *(f"backends/trainers/{name}" for name in ("adapter", "masters", "attention", "online", "flow_grpo", "ddpo", "refl")),
        *(f"backends/gradients/{name}" for name in ("clipped", "rewards", "sampler")),
        *(f"backends/families/{name}" for name in ("__init__", "family", "latents", "moves", "flow", "diffusion")),
        *ARCHITECTURES,
        "backends/painters/develop",
        "finetune/rewards",
    ),
    "trig.backends.trainers.diffusers.TRAINING": (
        *(f"backends/trainers/{name}" for name in ("adapter", "masters", "attention", "diffusers")),
        *(f"backends/families/{name}" for name in ("__init__", "family", "latents", "flow", "diffusion")),
        *ARCHITECTURES,
        "backends/losses/batch",
        *(f"backends/losses/{name}" for name in ("sft", "dpo", "mapo", "kto", "rankdpo", "tdpo")),
        "pictures",
    ),
}
"""Cache version → modules of trig whose code decides the cached results."""
ALIKE = {"backends/judges/proof"}
"""Of what judges import, what chooses between two ways to the same answer, within its limit."""


class Mark(TypedDict):
    """Version number and code fingerprint."""

    version: int
    code: str


def mark(name: str) -> Mark:
    """Current number and fingerprint of a version."""
    module, _, version = name.rpartition(".")
    sources = ((ROOT / "trig" / f"{each}.py").read_bytes() for each in DECIDES[name])
    digest = blake2b(b"\0".join(meaning(source, without=version) for source in sources), digest_size=8).hexdigest()
    return {"version": getattr(importlib.import_module(module), version), "code": digest}


def golden() -> dict[str, Mark]:
    """Recorded marks."""
    found: dict[str, Mark] = json.loads(GOLDEN.read_text("utf-8"))
    return found


def main(same: Sequence[str]) -> None:
    """Records the current marks; `same` are the versions whose results an edit leaves as they were, or `all`."""
    if unknown := set(same) - {*DECIDES, "all"}:
        sys.exit(f"--same-results: {', '.join(sorted(unknown))}: no such version; name some of DECIDES, or all")
    before, now = golden() if GOLDEN.is_file() else {}, {name: mark(name) for name in DECIDES}
    left = [name for name, found in now.items() if "all" not in same and name not in same and _stale(found, before.get(name))]
    if left:
        sys.exit(
            f"their code has changed: raise them, or say --same-results NAME … where every stored result stays right: {' '.join(left)}"
        )
    GOLDEN.write_text(json.dumps(now, indent=2) + "\n", "utf-8")


def _stale(found: Mark, before: Mark | None) -> bool:
    return before is not None and found["code"] != before["code"] and found["version"] == before["version"]


if __name__ == "__main__":
    asked = sys.argv[1:]
    if asked and (asked[0] != "--same-results" or not asked[1:]):
        sys.exit("usage: python tests/fingerprints.py [--same-results NAME … | --same-results all]")
    main(asked[1:])
