"""What a run will need and this machine may lack: memory, disk, keys and servers; and how much it will make. Findings of `trig doctor`."""

import json
import os
import shutil
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any, TypeAlias

from trig.cli.models import BYTES, WORKING, Told, room, root, told
from trig.errors import AnnotatorError, JudgeError, TrigError
from trig.files import walk
from trig.params import Params
from trig.params.judge import ServedJudge
from trig.params.presets import presets
from trig.params.values import hub
from trig.params.zoo import UNTRAINED, systems
from trig.run.gpus import cards
from trig.run.handover import GPUS
from trig.run.unpulled import pictures, questions

Row: TypeAlias = tuple[bool, str, str]
"""Finding: whether it works, what it is about, and what was found, with the remedy where it does not."""
PIXEL = 1.5
"""Bytes of a pixel of a PNG of a photograph."""
KEPT = 1.15
"""Bytes on disk over those of the pictures."""
FOUR_BITS = 0.56
"""Bytes of a parameter in four bits, scales included."""
IMAGES = Path("data/images")
PATIENCE = 10.0
"""Seconds in which a server has to answer."""
GB = 10**9
SLOW = 1.0
"""Billions of parameters from which a processor takes minutes to hours for a picture, and a GPU seconds."""


def rows(settings: Params) -> Iterator[Row]:
    """All findings."""
    models = {name: one for name, one in zip(settings.models, told(settings), strict=True) if name in settings.generate.roster}
    yield from _amounts(settings)
    yield from _painters(settings, models)
    yield from _tunings(settings)
    yield from _judge(settings)
    yield from _disk(settings, models)
    yield from _keys(settings, models)
    yield from _servers(settings)


def _amounts(settings: Params) -> Iterator[Row]:
    roster, judge = settings.generate.roster, settings.judge
    each = [pictures(settings, model) for model in roster]
    asked = sum(questions(settings, model) for model in roster)
    of_one = f"{max(each):,} of each model" if len(set(each)) == 1 else f"up to {max(each):,} of a model"
    answers = f", {judge.samples} answers to each" if judge.mode == "sampled" else ""
    yield True, "pictures", f"about {of_one}, {sum(each):,} in all; equal prompts are painted once"
    yield True, "questions", f"about {asked:,} to the judge {judge.name}{answers}; equal ones are asked once"


def _painters(settings: Params, models: dict[str, Told]) -> Iterator[Row]:
    """Whether each model of the roster fits into memory, and does the tasks."""
    place, on_gpu = room()[1], bool(cards())
    for name, one in models.items():
        entry: Any = settings.models[name]
        options = getattr(entry, "options", None)
        spared = [word for word in ("offload",) * on_gpu + ("quantisation",) if getattr(options, word, "none") != "none"]
        needed = f"about {one.billions * BYTES[entry.dtype] * WORKING:.0f} GB" if one.billions else "more"
        if one.fits is False and spared:
            yield True, f"memory of {name}", f"{needed} whole, more than {place}; {' and '.join(spared)} may make it fit"
        elif one.fits is not None:
            shorter = f"set models.{name}.dtype to bfloat16, " if BYTES.get(entry.dtype, 0) > BYTES["bfloat16"] else ""
            instead = f"{shorter}set models.{name}.options.offload or quantisation, or take a larger GPU"
            if not on_gpu:
                instead = f"{shorter}run it where there is a GPU (models.{name}.options.offload makes do with a small one), or take a smaller model"
            remedy = f"takes {needed}, and there are {place}: {instead}"
            yield one.fits, f"memory of {name}", f"fits into {place}" if one.fits else remedy
        if one.billions and one.billions >= SLOW and _alone():
            yield False, f"GPU of {name}", _slow("a picture", one.billions, "or take a smaller model, or one behind an API")
        option = getattr(systems().get(root(name, settings.models)), "wants", None)
        if option and getattr(options, option, None) is None:
            yield False, f"options of {name}", f"every row fails without {option}: set models.{name}.options.{option}"
        if one.tasks and (lacks := [task for task in entry.scope.tasks or settings.annotate.tasks if task not in one.tasks]):
            kept = ", ".join(task for task in settings.annotate.tasks if task in one.tasks)
            remedy = f"it paints {', '.join(one.tasks)} and not {lacks[0]}: " + (
                f"set models.{name}.scope.tasks to [{kept}]" if kept else "take it out of generate.roster"
            )
            yield False, f"tasks of {name}", remedy


def _tunings(settings: Params) -> Iterator[Row]:
    """Whether an adapter can be trained for each base that is a system of the zoo, with the weights of that system."""
    for name, tuning in settings.tunings.items():
        system = systems().get(root(tuning.base, settings.models))
        if system and not system.trained and f"/{system.repository}" == _weights(settings, tuning.base):
            remedy = f"none can be trained for {tuning.base}: {UNTRAINED}; name another base in tunings.{name}, or leave out tunings"
            yield False, f"adapter of {name}", remedy


def _judge(settings: Params) -> Iterator[Row]:
    """Whether a judge in this process fits into memory, by the parameters that its weights list."""
    name = settings.judge.name
    entry: Any = settings.judges[name]
    if isinstance(entry, ServedJudge) or not (hub(entry.weights) or Path(entry.weights).is_dir()):
        return
    weights = _preset(settings, BYTES[entry.dtype]) if hub(entry.weights) else parameters(Path(entry.weights)) * BYTES[entry.dtype]
    if not weights and hub(entry.weights):
        return
    size, (most, where) = weights * WORKING, room()
    if entry.device_map == "auto" and (found := cards()):
        most = sum(card.total for card in found)
        where = f"the {most / GB:.0f} GB of all GPUs"
    remedy = f"takes about {size / GB:.0f} GB, and there are {where}: serve it (backend: openai), or take a smaller judge"
    yield size <= most, f"memory of judge {name}", f"fits into {where}" if size <= most else remedy
    billions = weights / BYTES[entry.dtype] / GB
    if billions >= SLOW and _alone():
        yield False, f"GPU of judge {name}", _slow("an answer", billions, "or serve it elsewhere (backend: openai)")


def _alone() -> bool:
    """Whether there is surely no GPU; elsewhere than on Linux nobody can tell."""
    return sys.platform == "linux" and not any(map(os.path.exists, GPUS))


def _slow(what: str, billions: float, otherwise: str) -> str:
    return f"none is here, and a processor takes minutes to hours for {what} of {billions:.0f} billion parameters: run where there is one, {otherwise}"


def _preset(settings: Params, each: float) -> float:
    """Bytes of the weights of the judge's preset, at `each` a parameter unless they are quantised; 0 where its size is not told."""
    preset = presets().get(root(settings.judge.name, settings.judges))
    if preset is None or preset.billions is None:
        return 0
    return preset.billions * GB * (FOUR_BITS if "--quantization" in preset.serve else each)


def parameters(place: Path) -> int:
    """Parameters that the safetensors of a folder list; those that cannot be read are left out."""
    return sum(map(_listed, (file for file in walk(place) if file.suffix == ".safetensors" and file.exists())))


def _listed(file: Path) -> int:
    try:
        with file.open("rb") as opened:
            header = json.loads(opened.read(int.from_bytes(opened.read(8), "little")))
        shapes = [entry["shape"] for name, entry in header.items() if name != "__metadata__"]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, MemoryError):
        return 0
    return sum(map(prod, shapes))


def _disk(settings: Params, models: dict[str, Told]) -> Iterator[Row]:
    """Whether pictures that are still to be made, and weights that are still to be fetched, find room on their file systems."""
    from huggingface_hub import constants

    from trig.backends.hub import missing, snapshot

    needed: dict[int, list[tuple[str, float]]] = defaultdict(list)
    places: dict[int, Path] = {}

    def need(place: Path, what: str, size: float) -> None:
        there = next(each for each in (place, *place.absolute().parents) if each.exists())
        places.setdefault(there.stat().st_dev, there)
        needed[there.stat().st_dev].append((what, size))

    counted: set[str] = set()  # weights that several models share
    for name, one in models.items():
        entry = settings.models[name]
        if not (IMAGES / name).exists():
            need(Path(), f"pictures of {name}", pictures(settings, name) * entry.width * entry.height * PIXEL * KEPT)
        loads = entry.loads or ""
        if one.here is False and one.billions and hub(loads) and loads not in counted:
            counted.add(loads)
            need(Path(constants.HF_HUB_CACHE), f"weights of {name}", one.billions * GB * BYTES["bfloat16"])
    judge: Any = settings.judges[settings.judge.name]
    pinned = None if isinstance(judge, ServedJudge) else hub(judge.weights)
    if pinned and missing(snapshot(*pinned)) and (size := _preset(settings, BYTES["bfloat16"])):
        need(Path(constants.HF_HUB_CACHE), f"weights of judge {settings.judge.name}", size)
    for device, whats in needed.items():
        size, free = sum(size for _, size in whats), shutil.disk_usage(places[device]).free
        listed = ", ".join(f"{what} {size / GB:.1f}" for what, size in whats)
        remedy = "" if size <= free else ": make room, set HF_HOME to another disk, or ask for fewer prompts"
        yield (
            size <= free,
            f"disk at {places[device].absolute()}",
            f"about {size / GB:.1f} GB wanted ({listed}), {free / GB:.1f} GB free{remedy}",
        )


def _keys(settings: Params, models: dict[str, Told]) -> Iterator[Row]:
    """Tokens of gated repositories that are still to be fetched, and keys of painters behind APIs."""
    from huggingface_hub import get_token

    for name, one in models.items():
        key = getattr(settings.models[name], "key", None)
        if key:
            there = bool(os.environ.get(key))
            yield there, f"key of {name}", f"{key} is set" if there else f"the environment has no {key}: set it to the server's key"
        if one.gated and one.here is False:
            source = next(
                (system.source for system in systems().values() if f"/{system.repository}" in _weights(settings, name)), "its page"
            )
            there = get_token() is not None
            remedy = f"{source} is gated: accept its terms there, and set HF_TOKEN to a token of that account"
            yield there, f"token of {name}", f"there is a token; {source} wants its terms accepted" if there else remedy


def _weights(settings: Params, name: str) -> str:
    pinned = hub(getattr(settings.models[name], "weights", None) or "")
    return f"/{pinned[0]}" if pinned else ""


def _servers(settings: Params) -> Iterator[Row]:
    """Whether the servers of judge and annotators answer and take the key; only the list of their models is asked for."""
    judge, rewrites = settings.judges[settings.judge.name], settings.prompting.annotator if settings.prompting else None
    if isinstance(judge, ServedJudge):
        field = f"params.yaml: judges.{settings.judge.name}"
        yield _met(f"judge {settings.judge.name}", field, judge, judge.endpoints, judge.key, "/models", JudgeError)
    for annotator in dict.fromkeys(name for name in (settings.annotate.annotator, rewrites) if name):
        from trig.llm.providers import provider

        entry = settings.annotators[annotator]
        can = provider(entry)
        yield _met(
            f"annotator {annotator}", f"params.yaml: annotators.{annotator}", entry, can.endpoints, can.key, can.models, AnnotatorError
        )


def _met(what: str, field: str, entry: Any, urls: Any, key: str | None, route: str | None, error: type[TrigError]) -> Row:
    from trig.llm.clients import Access
    from trig.llm.contact import Contact

    try:
        access = replace(Access.of(field, entry, urls, key, error, ()), timeout=min(PATIENCE, entry.timeout))
        met = Contact(access, entry.model, route)
    except TrigError as complaint:
        return False, what, str(complaint)
    return True, what, f"{met.home.base_url} answers with {met.model}"
