"""Bars on `trig verify --all`: one altered score and one swapped picture among a thousand rows, and nothing where nobody altered any."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from benchmarks import full
from benchmarks.bar import Bar, at_least, exactly
from trig.testing.programs import SETTINGS, FailedError, run
from trig.testing.project import DVC, Project, fresh
from trig.testing.tampering import alter, swap

MODEL, PROMPTS, STEPS = "tiny", 12, 2
"""Model, its prompts of each pair, and the steps of its painter."""
ROW = 170
"""Row of the scores that is altered."""
TELL = (sys.executable, "-m", "trig.cli", "verify", "--all", "--json")


def verify(_: Project) -> Iterator[Bar]:
    """A run of one model, of which every picture is painted and every score judged again."""
    place = fresh()
    try:
        _small(place)
        run(*DVC, "repro", "classify", cwd=place)
        told = _told(place)
        looked = {check["name"]: check["rows"] for check in told["checks"]}
        anew = sum(looked[name] for name in ("pictures, from seeds", "scores, from pictures"))
        yield at_least("trig verify --all, pictures painted and scores judged anew", anew, 1000)
        yield exactly("the same, tables that nobody altered: findings", _found(told), set())
        images, scores = place / "data/images" / MODEL, place / f"data/scores/{MODEL}.parquet"
        altered = {row for _, row in swap(images)} | {alter(scores, ROW)}
        yield exactly("the same, one altered score and two pictures that changed places", _found(_told(place)), altered)
    finally:
        shutil.rmtree(place)


def _small(place: Path) -> None:
    """Text-to-image alone, one model in a hurry, nothing tuned."""
    known = full.plain(place)
    known["annotate"] |= {"tasks": ["t2i"], "per_subset": PROMPTS, "train_per_subset": 1}
    known["generate"]["roster"] = [MODEL]
    known |= {"models": {MODEL: known["models"][MODEL] | {"steps": STEPS}}, "tunings": {}}
    (place / "params.yaml").write_text(yaml.safe_dump(known, sort_keys=False), "utf-8")


def _told(place: Path) -> Any:
    """Report of `trig verify`, whose exit code is 1 where it found something."""
    done = subprocess.run(TELL, cwd=place, env=os.environ | SETTINGS, capture_output=True, text=True, check=False)
    if done.returncode > 1:
        raise FailedError(f"{' '.join(TELL)} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout)


def _found(told: Any) -> set[str]:
    """Rows that are not what they claim; relations follow from them."""
    return {found["row"] or found["table"] for found in told["findings"] if not found["table"].endswith("relations.parquet")}
