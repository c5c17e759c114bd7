"""Memory growth of a served judge with the number of questions: `python -m benchmarks.growth ADDRESS COUNT`."""

import sys
from io import BytesIO

import numpy as np
from PIL import Image

from trig.backends.judges.openai import Served
from trig.judge.labels import labels
from trig.params.judge import ServedJudge
from trig.protocols.judge import Question
from trig.scales import SCALES
from trig.testing.programs import peak

FIRST = 500
"""Warm-up questions, after which everything lazily loaded is there."""
PICTURES = 50


def main(address: str, count: int) -> None:
    """Asks `count` questions; prints the growth of peak resident memory in MiB after the first FIRST."""
    settings = ServedJudge(
        backend="openai", extends=None, weights=None, serve=[], needs="params.yaml", endpoints=[f"{address}/v1"], model=None, key=None,
        concurrency=16, timeout=60, retries=3, price=None,
    )  # fmt: skip
    judge = Served("stub", settings)
    pictures = [_picture(number) for number in range(PICTURES)]
    asked = [Question(pictures[number % PICTURES], f"a ball {number}", "rubric") for number in range(count)]
    before = 0
    for done, _ in enumerate(judge.ask(asked, labels(SCALES["paper"], judge.encode)), 1):
        if done == FIRST:
            before = peak()
    print((peak() - before) / 2**20)


def _picture(seed: int) -> bytes:
    out = BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(out, "PNG")
    return out.getvalue()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
