"""What each cache version stands for: the code that decides the results which the work store keeps under it, and its fingerprint.

`python tests/fingerprints.py` writes tests/fingerprints.json anew. It refuses where code has changed and its version has not; after an edit that
changes no result, such as a rename, `--same-results` says so.
"""

import importlib
import json
import sys
from hashlib import blake2b
from pathlib import Path
from typing import TypedDict

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from trig.run.code import meaning  # noqa: E402 - from the folder that this file stands in, however it is started

GOLDEN = Path(__file__).with_suffix(".json")
DECIDES = {
    "trig.backends.painters.diffusers.PAINTING": (
        "backends/painters/diffusers",
        "backends/painters/adapter",
        "generate/__init__",
        "pictures",
    ),
    "trig.backends.judges.transformers.ASKING": ("backends/judges/transformers", "backends/checkpoint", "judge/labels", "pictures"),
    "trig.backends.judges.openai.ASKING": (
        "backends/judges/openai",
        "backends/judges/completions",
        "backends/checkpoint",
        "judge/labels",
        "pictures",
    ),
    "trig.judge.pictures.FITTING": ("judge/pictures", "pictures"),
    "trig.classify.relations.RESAMPLING": (
        "classify/evidence",
        "classify/draws",
        "classify/cloud",
        "classify/order",
        "classify/stack",
        "stats/bootstrap",
    ),
    "trig.report.sheets.DRAWING": ("report/sheets", "pictures"),
    "trig.backends.lora.TRAINING": ("backends/lora", "pictures"),
}
"""A version → the modules of trig whose code decides what is kept under it."""


class Mark(TypedDict):
    """A version's number and the fingerprint of its code."""

    version: int
    code: str


def mark(name: str) -> Mark:
    """What a version is now."""
    module, _, version = name.rpartition(".")
    sources = ((ROOT / "trig" / f"{each}.py").read_bytes() for each in DECIDES[name])
    digest = blake2b(b"\0".join(meaning(source, without=version) for source in sources), digest_size=8).hexdigest()
    return {"version": getattr(importlib.import_module(module), version), "code": digest}


def golden() -> dict[str, Mark]:
    """What each version was when it was last looked at."""
    found: dict[str, Mark] = json.loads(GOLDEN.read_text("utf-8"))
    return found


def main(same_results: bool) -> None:
    """Write what each version is now."""
    before, now = golden() if GOLDEN.is_file() else {}, {name: mark(name) for name in DECIDES}
    for name, found in now.items():
        if not same_results and name in before and found["code"] != before[name]["code"] and found["version"] == before[name]["version"]:
            sys.exit(f"{name}: its code has changed: raise it, or say --same-results where every stored result stays right")
    GOLDEN.write_text(json.dumps(now, indent=2) + "\n", "utf-8")


if __name__ == "__main__":
    main("--same-results" in sys.argv)
