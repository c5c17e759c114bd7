"""Loads the report's inputs from other stages: gate results, tuning cards, provenance."""

import json
import platform
from collections.abc import Iterator, Mapping, Sequence
from hashlib import blake2b
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import polars as pl

from trig.errors import TrigError
from trig.judge.rubrics import rubrics as texts_of
from trig.params import Params
from trig.prompting.outcome import cards
from trig.proof import evidence
from trig.report.contents import Background
from trig.report.facts.digest import Gate, Rubric, Rubrics, Tuning, Yardstick
from trig.tables.diagnostics import SCORED_BY
from trig.vocabulary.dimensions import Dimension, Task

TINY = Path("data/tiny")
JUDGE_FIELDS = ("name", "dimensions", "mode", "samples", "scale", "reference_image", "max_pixels", "max_off_mass")
"""Score-relevant judge parameters."""
PACKAGES = ("trig", "torch", "diffusers", "transformers", "peft", "polars", "scipy", "altair", "vl-convert-python")


def gates(folder: Path, roster: Sequence[str]) -> tuple[Gate, ...]:
    """Gate results in a folder, linked to their pages beside the report; of per-model ones only those of the roster."""
    found = [*folder.glob("*.json"), *(file for model in roster for file in folder.glob(f"*/{model}.json"))]
    return tuple(_gate(file, file.relative_to(folder).with_suffix("")) for file in sorted(found))


def _gate(file: Path, name: Path) -> Gate:
    found, link = _json(file), f"gates/{name.as_posix()}.html"
    try:
        return Gate(
            name.as_posix(), bool(found["met"]), int(found["expectations"]), tuple(found["failures"].values()), link, tuple(found["notes"])
        )
    except KeyError as error:
        raise TrigError(f"{file}: field {error} of the gate's result is missing; run `dvc repro` to write it anew") from None


def background(chosen: Params, prompts: pl.DataFrame, scores: pl.DataFrame, zoo: Path, proof: Path, agreement: Path) -> Background:
    """What is told of a run beside its scores; `zoo` holds the cards of models, `proof` what tuned ones show, `agreement` says how the judge was measured."""
    tuned = tunings(zoo, chosen.generate.roster)
    return Background(
        tiny(chosen),
        rubrics(chosen, scores),
        tuned,
        versions(scores),
        settings(chosen) | noise(scores) | hashes(prompts, scores),
        yardstick(agreement, scores),
        chosen.curves,
        cards(zoo, chosen.generate.roster),
        chosen.proof,
        {one.tuned: evidence.read(proof, one.tuned, prompts) for one in tuned if one.tuned in chosen.tunings},
    )


def tunings(zoo: Path, roster: Sequence[str]) -> tuple[Tuning, ...]:
    """Fine-tuned models of the roster, from their cards in data/zoo."""
    found = {model: _json(zoo / f"{model}.json").get("tuning") for model in roster}
    return tuple(_tuning(zoo / f"{model}.json", model, dict(card)) for model, card in found.items() if card is not None)


def _tuning(file: Path, model: str, card: dict[str, Any]) -> Tuning:
    try:
        base, pairs = str(card.pop("base")), tuple(map(str, card.pop("pairs")))
    except KeyError as error:
        raise TrigError(f"{file}: field {error} of its tuning is missing; run `dvc repro finetune` to write it anew") from None
    return Tuning(base, model, pairs, {name: str(value) for name, value in card.items()})


def tiny(settings: Params) -> bool:
    """Whether all models and the judge are built-in tiny ones."""
    weights = [settings.models[model].loads for model in settings.generate.roster] + [settings.judges[settings.judge.name].needs]
    return all(folder is not None and Path(folder).is_relative_to(TINY) for folder in weights)


def yardstick(file: Path, scores: pl.DataFrame) -> Yardstick | None:
    """Judge agreement as printed by `trig tiny evaluate --json`; None when the file is of another judge. Raises TrigError."""
    found = _json(file)
    try:
        rows = [(Dimension(row["dimension"]).value, row["rho"], int(row["n"])) for row in found["dimensions"] if row["rho"] is not None]
        if wrong := [rho for _, rho, _ in rows if not -1 <= float(rho) <= 1]:
            raise ValueError(f"rho {wrong[0]!r} is not between -1 and 1")
        if set(scores.select(SCORED_BY).to_series()) != {found["judge"]}:
            return None
        return Yardstick(str(found["against"]), {code: float(rho) for code, rho, _ in rows}, {code: n for code, _, n in rows})
    except (KeyError, TypeError, ValueError) as error:
        said = f"field {error} is missing" if isinstance(error, KeyError) else str(error)
        raise TrigError(
            f"{file}: {said}; write the file anew with `trig tiny evaluate --json`, or name another at report.agreement"
        ) from None


def rubrics(chosen: Params, scores: pl.DataFrame) -> Rubrics:
    """What the judge was asked, of the tasks and dimensions in the scores."""
    name, grades = chosen.judge.rubrics, chosen.judge.scale.grades
    asked = {(str(task), str(dimension)) for task, dimension in scores.select("task", "dimension").unique().rows()}
    texts = [
        Rubric(task=task.value, dimension=dimension.value, text=text)
        for task in Task
        if any(task == one for one, _ in asked)
        for dimension, text in texts_of(name, task, grades).items()
        if (task, dimension) in asked
    ]
    return {"name": name, "texts": texts}


def settings(chosen: Params) -> dict[str, str]:
    """Score-relevant parameters: seed, prompts, model calls, judge."""
    calls = {f"model {name}": _shown(chosen.models[name].told()) for name in chosen.generate.roster}
    judge = {**{name: getattr(chosen.judge, name) for name in JUDGE_FIELDS}, "scale": chosen.judge.scale.grades}
    seeds = {"seed": str(chosen.seed), "pictures of each prompt": str(chosen.generate.seeds_per_prompt)}
    return {**seeds, "prompts": _shown(chosen.annotate.model_dump()), **calls, "judge": _shown(judge)}


def _shown(values: Mapping[str, Any]) -> str:
    words = {name: "/".join(map(str, value)) if isinstance(value, list | tuple) else value for name, value in values.items()}
    return ", ".join(f"{name} {value}" for name, value in words.items() if value not in (None, "", {}))


def noise(scores: pl.DataFrame) -> dict[str, str]:
    """Noise floor of the judge, where it was measured: what other questions beside it change in a grade's probability."""
    found = scores["canary_noise"].max() if "canary_noise" in scores.columns else None
    return {"noise floor of the judge": f"{found:g} of a grade's probability"} if isinstance(found, float) else {}


def hashes(prompts: pl.DataFrame, scores: pl.DataFrame) -> dict[str, str]:
    """Provenance hashes of prompts, each model's pictures, and rubrics."""
    pictures = {f"hash of the pictures of {model!s}": of["image_key"] for (model,), of in scores.group_by("model", maintain_order=True)}
    columns = {"hash of the prompts": prompts["key"], **pictures, "hash of the rubrics": scores["rubric"].drop_nulls()}
    return {name: blake2b("".join(column.unique().sort()).encode(), digest_size=8).hexdigest() for name, column in columns.items()}


def versions(scores: pl.DataFrame) -> dict[str, str]:
    """Judge, and versions of the installed libraries; cached results may stem from other versions."""
    judges = ", ".join(scores.select(SCORED_BY).to_series().unique().sort())
    return {"judge": judges, "Python": platform.python_version()} | dict(_installed())


def _installed() -> Iterator[tuple[str, str]]:
    for package in PACKAGES:
        try:
            yield package, version(package)
        except PackageNotFoundError:
            continue


def _json(file: Path) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise TrigError(f"{file}: cannot be read ({error}); run `dvc repro` to write it anew") from None
    return found
