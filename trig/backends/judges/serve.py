"""vLLM command line and environment for a judge of params.yaml."""

import json
import os
import shlex
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from trig.backends.checkpoint import CONFIG, Checkpoint, there
from trig.errors import JudgeError, ParamsError, WeightsError
from trig.params import Params
from trig.params.judge import LocalJudge, ServedJudge
from trig.params.presets import presets, served
from trig.params.values import hub

OWN = Path(".venv-serve")
"""vLLM's own virtual environment: it needs other versions of PyTorch and others."""
PICTURES = 2
"""Maximum images per question: source or subject, and the generated image."""
TEMPLATE = 64
"""Token overhead of a chat template: roles, system prompt, image markers."""
BLOCK = 32
"""Prefix-cache block size in tokens: small, so that short questions about an image share blocks."""
API_KEY = "VLLM_API_KEY"


def choose(settings: Params, name: str | None) -> tuple[str, ServedJudge]:
    """The served judge or preset of this name; by default the configured judge if served, else the only served one. Raises ParamsError."""
    if name is not None and name not in settings.judges and name in presets():
        return name, served(name)
    entries = {each: entry for each, entry in settings.judges.items() if not isinstance(entry, LocalJudge)}
    several = ", ".join(entries)
    if not entries and name is None:
        raise ParamsError("params.yaml: judges: none has backend: openai, so there is none to serve; describe one")
    if name is not None:
        if name not in settings.judges:
            raise ParamsError(
                f"judge: {name!r} is unknown; choose one of {several}, or a preset ({', '.join(presets())}), or describe it under judges: in params.yaml"
            )
        if name not in entries:
            raise ParamsError(f"judge: {name!r} runs in the pipeline's own process and needs no server; choose one of {several}")
        return name, entries[name]
    if settings.judge.name in entries:
        return settings.judge.name, entries[settings.judge.name]
    if len(entries) > 1:
        raise ParamsError(f"judge: several are served; name one of {several}")
    return next(iter(entries.items()))


def source(name: str, entry: ServedJudge) -> tuple[str, list[str]]:
    """What is to be served, a folder or a repository of the hub, and the arguments that pin its commit.

    Raises WeightsError when a folder holds no checkpoint, JudgeError for a hosted model.
    """
    if pinned := hub(entry.weights or ""):
        return pinned[0], ["--revision", pinned[1]]
    preset = presets().get(entry.extends or "") if entry.loads is None else None
    if preset and preset.repository:
        return preset.repository, []
    if preset:
        raise JudgeError(f"judge: {name!r} is hosted at {entry.endpoints[0]}, and there is no server to start")
    place = Path(entry.needs)
    if not there(place):
        raise WeightsError(f"params.yaml: judges.{name}.needs: {place}: no {CONFIG} here; name the folder of the weights that are served")
    return str(place), []


def port(name: str, entry: ServedJudge) -> int:
    """Port of the first endpoint. Raises ParamsError when it has none."""
    try:
        found = urlsplit(entry.endpoints[0]).port
    except ValueError:
        found = None
    if not found:
        raise ParamsError(f"params.yaml: judges.{name}.endpoints: {entry.endpoints[0]} names no port; add one, or give --port")
    return found


def context(checkpoint: Checkpoint, max_pixels: int, rubrics: Sequence[str], prompt_tokens: int, answer: int) -> int | None:
    """Context length in tokens for the longest question and answer, at most the model's; the model's if image tokens are unknown, None if both are."""
    if checkpoint.vision is None:
        return checkpoint.context
    longest = max(_most_tokens(checkpoint, rubric) for rubric in rubrics)
    wanted = PICTURES * checkpoint.vision.bound(max_pixels) + longest + prompt_tokens + TEMPLATE + answer
    return wanted if checkpoint.context is None else min(wanted, checkpoint.context)


def _most_tokens(checkpoint: Checkpoint, text: str) -> int:
    """Token count; without a tokenizer the byte count, an upper bound."""
    found = checkpoint.count(text)
    return len(text.encode()) if found is None else found


def arguments(
    served: str, model: str | None, host: str, port: int, length: int | None, dtype: str | None, extra: Sequence[str]
) -> list[str]:
    """vLLM's arguments; `extra` comes last, and what it names is not said before.

    `length` is in tokens; None leaves it to vLLM. The key is in `environment` instead.
    """
    choices = {"--served-model-name": model, "--max-model-len": length, "--dtype": dtype}
    return [
        *("serve", served, "--host", host, "--port", str(port)),
        *(word for name, value in choices.items() if value is not None and name not in extra for word in (name, str(value))),
        *("--limit-mm-per-prompt", json.dumps({"image": PICTURES, "video": 0})),
        *("--enable-prefix-caching", "--block-size", str(BLOCK), "--enable-prompt-tokens-details"),
        *extra,
    ]


def environment(name: str, entry: ServedJudge, now: Mapping[str, str]) -> dict[str, str]:
    """Environment `now` plus the API key, vLLM usage stats off. Raises JudgeError without the key."""
    more = {"VLLM_NO_USAGE_STATS": "1"}
    if entry.key is not None:
        if not (key := now.get(entry.key)):
            raise JudgeError(
                f"params.yaml: judges.{name}.key: the environment has no {entry.key}; set it to the key the server shall ask for"
            )
        more[API_KEY] = key
    return {**now, **more}


def shown(command: Sequence[str], entry: ServedJudge) -> str:
    """Shell command line with its environment; the key appears as a variable name only."""
    key = "" if entry.key is None else f'{API_KEY}="${entry.key}" '
    return f"VLLM_NO_USAGE_STATS=1 {key}{shlex.join(command)}"


def executable(given: Path | None) -> str | None:
    """vLLM executable: the given file, else OWN's, else that on PATH; None if absent. Raises JudgeError if the given file is not executable."""
    if given is None:
        own = OWN / "bin" / "vllm"
        return str(own) if own.is_file() else shutil.which("vllm")
    if not (given.is_file() and os.access(given, os.X_OK)):
        raise JudgeError(f"--vllm: {given}: there is no program here; give the path of `vllm` itself")
    return str(given)
