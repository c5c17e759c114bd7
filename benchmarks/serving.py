"""Bars on a served judge, against the method's first scripts: serial requests, rubric before picture."""

import json
import shutil
import sys
from base64 import b64encode
from collections.abc import Iterator, Sequence
from dataclasses import replace
from io import BytesIO
from math import exp
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from openai import OpenAI
from PIL import Image

from benchmarks.bar import Bar, at_least, at_most
from benchmarks.growth import FIRST
from trig import params
from trig.judge.rating import ratings
from trig.judge.rubrics import rubrics
from trig.protocols.judge import Question
from trig.testing import vllm
from trig.testing.programs import run
from trig.testing.project import Project
from trig.testing.servers import Stub, running
from trig.vocabulary.dimensions import Dimension, Task

PICTURES = 500
SIDE, TIMES, LARGER = 64, 6, 60
"""Picture side in pixels; and upscaling factor and count of larger pictures, whose tokens number those of a 672-pixel picture for a real judge."""
MANY = 100_000
ASKED = (Dimension.CONTENT, Dimension.STYLE)


def serving(_: Project) -> Iterator[Bar]:
    """500 pictures on two dimensions each through one vLLM server, both ways interleaved; then fewer and larger ones."""
    settings = params.load()
    questions = _questions(settings.judge.scale.grades)
    with vllm.started(Path(settings.judges["tiny"].needs)) as address:
        seconds, computed = _both_ways(address, questions, settings)
    rate = len(questions) / seconds["ours"]
    yield at_least(f"served judge, questions/s against one at a time ({rate:.0f}/s), times", seconds["serial"] / seconds["ours"], 3)
    share = "served judge, prompt tokens computed, share of the serial loop's, pictures of"
    yield at_most(f"{share} 16 tokens", computed["ours"] / computed["serial"], 0.6)
    with TemporaryDirectory() as place:
        larger = Path(place) / "judge"
        shutil.copytree(settings.judges["tiny"].needs, larger)
        _edges(larger, SIDE * TIMES)
        with vllm.started(larger) as address:
            questions = [replace(one, image=_enlarged(one.image)) for one in questions[: 2 * LARGER]]
            computed = _both_ways(address, questions, settings)[1]
    yield at_most(f"{share} {(SIDE * TIMES // 16) ** 2} tokens", computed["ours"] / computed["serial"], 0.6)


def _both_ways(address: str, questions: Sequence[Question], settings: params.Params) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds and computed prompt tokens of the serial loop, then ours."""
    half = len(questions) // 2
    client = OpenAI(base_url=f"{address}/v1", api_key="none")
    judge = vllm.judge(address)
    _serially(client, questions[:4]), ratings(judge, questions[:4], settings.judge.scale, 1.0)  # warm-up
    seconds, computed = {"serial": 0.0, "ours": 0.0}, {"serial": 0.0, "ours": 0.0}
    for part in (questions[:half], questions[half:]):  # interleaved, so that machine load affects both
        for name in seconds:
            before, began = _computed(address), perf_counter()
            done = _serially(client, part) if name == "serial" else ratings(judge, part, settings.judge.scale, 1.0)
            seconds[name] += perf_counter() - began
            computed[name] += _computed(address) - before
            assert len(done) == len(part)
    return seconds, computed


def _edges(judge: Path, side: int) -> None:
    """Raises the pixel limit of the judge's processor to this side; the tiny judge downscales to 64 pixels otherwise."""
    file = judge / "processor_config.json"
    said = json.loads(file.read_text("utf-8"))
    said["image_processor"]["size"]["longest_edge"] = side * side
    file.write_text(json.dumps(said), "utf-8")


def _enlarged(png: bytes) -> bytes:
    packed = BytesIO()
    with Image.open(BytesIO(png)) as picture:
        picture.resize((SIDE * TIMES, SIDE * TIMES), Image.Resampling.NEAREST).save(packed, "PNG")
    return packed.getvalue()


def memory(_: Project) -> Iterator[Bar]:
    """Memory of a served judge's client, over many questions to a stub that answers like vLLM."""
    with running(Stub()) as address:
        grown = float(run(sys.executable, "-m", "benchmarks.growth", address, str(MANY)).stdout)
    yield at_most(f"memory's growth after the first {FIRST} of {MANY} questions, MiB", grown, 50)


def _questions(grades: Sequence[str]) -> list[Question]:
    from tinyworld import evaluate

    texts = rubrics("brief", Task.T2I, grades)
    cases = evaluate.cases(PICTURES // len(Dimension))
    return [Question(evaluate.png(shown), case.request.text, texts[dimension]) for _, case, shown in cases for dimension in ASKED]


def _computed(address: str) -> float:
    """Prompt tokens computed by the server, prefix cache hits excluded."""
    return vllm.counter(address, "prompt_tokens") - vllm.counter(address, "prefix_cache_hits")


def _serially(client: OpenAI, questions: Sequence[Question]) -> list[float]:
    """Serial baseline of the first scripts: rubric as system message, prompt, then picture; grades read off the top five tokens."""
    found = []
    for question in questions:
        url = f"data:image/png;base64,{b64encode(question.image).decode()}"
        said = client.chat.completions.create(
            model="tiny",
            messages=[
                {"role": "system", "content": question.rubric},
                {"role": "user", "content": [{"type": "text", "text": question.context}, {"type": "image_url", "image_url": {"url": url}}]},
            ],
            max_completion_tokens=1,
            temperature=1.0,
            logprobs=True,
            top_logprobs=5,
        )
        logprobs = said.choices[0].logprobs
        assert logprobs is not None and logprobs.content is not None
        mass = {each.token.strip(): exp(each.logprob) for each in logprobs.content[0].top_logprobs}
        found.append(sum(mass.values()))
    return found
