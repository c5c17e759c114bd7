"""Bars at the published benchmark's size, on a synthetic run of 14 models: classify, the report and its first page, a threshold change."""

import re
import shlex
import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import yaml

from benchmarks import invented
from benchmarks.bar import Bar, at_most, exactly
from trig import tables
from trig.finetune.training import LOOKS, LOSS, SAMPLES
from trig.tables.figures import DIVERSITY
from trig.tables.scores import SCORES
from trig.testing import browser
from trig.testing.programs import Ran, run
from trig.testing.project import DVC, Project, commit, fresh, stages

MODELS, SHARE = 14, 1.0
"""Models, and the fraction of the published prompts."""
DRAWN = {".webp", ".png", ".jpg"}


def full(_: Project) -> Iterator[Bar]:
    """Each stage that depends on thresholds, as a program; the report in a browser; then `dvc exp run` with another threshold.

    The report has the number of pictures per pair and model that params.yaml sets.
    """
    place = fresh()
    try:
        size = f"{MODELS} × {run_until_classify(place, MODELS, SHARE):,} samples"
        program(place, "code")
        classify = program(place, "classify")
        yield at_most(f"classify of {size}", classify.seconds, 20, " s")
        yield at_most("the same, peak memory", classify.peak / 1e9, 2, " GB")
        program(place, "gate-relations")
        drawn = [program(place, stage) for stage in ("digest", "report")]
        yield at_most(f"digest and report of {size}", sum(one.seconds for one in drawn), 300, " s")
        yield at_most("the same, peak memory", max(one.peak for one in drawn) / 1e9, 3, " GB")
        yield at_most("the same, all files but pictures", written(place / "reports") / 1e6, 20, " MB")
        what = "first page of it in Chromium"
        if browser.INSTALLED:
            yield at_most(what, browser.first_page(place / "reports/index.html"), 2, " s")
        else:
            yield Bar(what, browser.MISSING, "≤ 2 s", met=False)
        run(*DVC, "commit", "--force", "dvc.yaml", cwd=place)  # commits the files present as stage outputs
        commit(place, "Run the pipeline")
        study = run(*DVC, "exp", "run", "--set-param", "thresholds.synergy=0.7", cwd=place)
        yield at_most(f"dvc exp run -S thresholds.synergy=0.7 of {size}", study.seconds, 30, " s")
        yield exactly("stages that a threshold reaches", stages(study), {"params", "classify", "gate-relations", "report"})
    finally:
        shutil.rmtree(place)


def finish(place: Path) -> None:
    """Runs the stages from classify on, and commits the files present as the outputs of all stages."""
    for stage in ("code", "classify", "gate-relations", "digest", "report"):
        program(place, stage)
    run(*DVC, "commit", "--force", "dvc.yaml", cwd=place)


def run_until_classify(place: Path, count: int, share: float) -> int:
    """Turns a fresh copy of the project into one in which every stage before classify has run; returns samples per model."""
    known = plain(place)
    usual = known["generate"]["roster"]
    roster = [*usual, *(f"model-{number:02}" for number in range(len(usual) + 1, count + 1))]
    added = {name: f"data/weights/{name}" for name in roster if name not in known["models"]}
    models = {name: known["models"][usual[0]] | {"weights": folder, "needs": folder} for name, folder in added.items()}
    edit(place, generate={"roster": roster}, models=models)
    files = {f"{folder}/weights.safetensors": name for name, folder in added.items()}
    files |= {f"data/zoo/{name}.json": "{}" for name in (*known["models"], *added, *(f"judges/{judge}" for judge in known["judges"]))}
    for tuned in known["tunings"]:
        files |= {f"data/targets/{tuned}.json": "{}", f"data/zoo/{tuned}.json": '{"tuning": {"base": "tiny", "pairs": ["IQ-R_TA-S"]}}'}
        files |= {
            f"data/lora/{tuned}/adapter.safetensors": tuned,
            f"data/lessons/{tuned}.parquet": tuned,
            **{f"reports/training/{tuned}{end}": "step\tloss\n" for end in (LOSS, LOOKS, SAMPLES)},
        }
        for name, table in (("eye", SCORES), ("diversity", DIVERSITY)):
            tables.write(pl.DataFrame(schema=dict(table.columns)), table, place / f"data/proof/{tuned}/{name}.parquet")
        invented.passed(place, "proof", f"proof/{tuned}")
    files |= dict.fromkeys(("data/annotate.json", "data/rejected.parquet", "reports/annotation.html"), "{}")
    for name, text in files.items():
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (place / name).write_text(text, "utf-8")
    run(
        sys.executable,
        "-m",
        "stages.params",
        "params.yaml",
        "trig/params/reads.yaml",
        "data/params",
        "data/models",
        "data/judges",
        "data/proof/eye.json",
        cwd=place,
    )
    return invented.write(place, roster, share).height


def plain(place: Path) -> Any:
    """Takes prompted models and settings of curves out of params.yaml, as they have not all prompts; returns the rest."""
    known = yaml.safe_load((place / "params.yaml").read_text("utf-8"))
    known["models"] = {name: one for name, one in known["models"].items() if not {"prompting", "sweep"} & one.keys()}
    for entry in known["models"].values():
        entry.pop("scope", None)
    known["generate"]["roster"] = [name for name in known["generate"]["roster"] if name in known["models"]]
    known["promptings"] = {}
    (place / "params.yaml").write_text(yaml.safe_dump(known, sort_keys=False), "utf-8")
    return known


def edit(place: Path, **sections: Mapping[str, Any]) -> None:
    """Edits sections of params.yaml."""
    file = place / "params.yaml"
    known = yaml.safe_load(file.read_text("utf-8"))
    said = {name: {**value, **sections[name]} if name in sections else value for name, value in known.items()}
    file.write_text(yaml.safe_dump(said, sort_keys=False), "utf-8")


def program(place: Path, stage: str) -> Ran:
    """Runs a stage's program without DVC."""
    command: str = yaml.safe_load((place / "dvc.yaml").read_text("utf-8"))["stages"][stage]["cmd"]
    known = yaml.safe_load((place / "params.yaml").read_text("utf-8"))
    filled = re.sub(r"\$\{(\w+)\.(\w+)\}", lambda found: str(known[found[1]][found[2]]), command)
    return run(sys.executable, *shlex.split(filled)[1:], cwd=place)


def written(folder: Path) -> int:
    """Total size in bytes of the files in a folder that are not pictures."""
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file() and file.suffix not in DRAWN)
