"""Bars on a single score: it equals the softmax of the checkpoint's logits, independent of its batch."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

import numpy as np
from numpy.typing import NDArray

from benchmarks.bar import Bar, at_least, at_most
from benchmarks.models import said
from trig import params
from trig.backends import judges
from trig.judge.labels import labels
from trig.judge.rating import ratings
from trig.judge.rubrics import rubrics
from trig.params import Params
from trig.protocols.judge import Question
from trig.testing.project import Project
from trig.vocabulary.dimensions import Dimension, Task

ASKED = Dimension.CONTENT


def score(_: Project) -> Iterator[Bar]:
    """`trig score` of one picture, against a reference softmax and against the same picture in a batch."""
    settings = params.load()
    questions = _questions(settings)
    with TemporaryDirectory() as place:
        picture = Path(place) / "picture.png"
        picture.write_bytes(questions[0].image)
        ask = ("score", str(picture), "--prompt", questions[0].prompt, "--dimension", ASKED, "--json", "--fresh")
        usual, alone = said(*ask), said(*ask, "--batch-size", "1")
    p = _by_hand(settings, question=questions[0])
    hand = float(p @ np.linspace(0, 1, len(p)))
    off = max(abs(hand - usual["expected"]), float(np.abs(p - usual["p"]).max()), abs(float(p.max()) * hand - usual["score_trig"]))
    yield at_most("score against a softmax by hand", off, 1e-5)
    yield at_most("score in a batch against --batch-size 1", abs(_in_batch(settings, questions) - alone["expected"]), 1e-3)


def sharing(_: Project) -> Iterator[Bar]:
    """All ten dimensions of a picture together, against one forward pass per question and against batches without a shared prefix."""
    settings = params.load()
    judge, single = judges.load(settings, 40), judges.load(settings, 1)
    texts = rubrics(settings.judge.rubrics, Task.T2I, settings.judge.scale.grades)
    every = [Question(each.image, each.prompt, texts[dimension]) for each in _questions(settings) for dimension in Dimension]
    apart = [every[index] for start in range(10) for index in range(start, len(every), 10)]  # neighbours share no picture
    ids = labels(settings.judge.scale, judge.encode)
    ways = {"together": (judge, every), "one by one": (single, every), "apart": (judge, apart)}
    seconds = dict.fromkeys(ways, 0.0)
    for number in range(6):  # interleaved, so that machine load affects all; the first round is warm-up
        for name, (asked, questions) in ways.items():
            began = perf_counter()
            answers = list(asked.ask(questions, ids))
            seconds[name] += (perf_counter() - began) * (number > 0)
            assert len(answers) == len(every)
    gain = {name: spent / seconds["together"] for name, spent in seconds.items()}
    yield at_least("ten questions about a picture together, times as fast as a forward pass per question", gain["one by one"], 3)
    yield at_least("the same, times as fast as batches of 40 questions that share no picture", gain["apart"], 3)


def _questions(settings: Params) -> list[Question]:
    """Twenty held-out pictures; the first is the scored one."""
    from tinyworld import evaluate

    texts = rubrics(settings.judge.rubrics, Task.T2I, settings.judge.scale.grades)
    return [Question(evaluate.png(shown), case.request.text, texts[ASKED]) for _, case, shown in evaluate.cases(2)]


def _by_hand(settings: Params, question: Question) -> NDArray[np.float64]:
    """Reference grade probabilities: softmax over the logits of each grade's spellings, read from the checkpoint without TRIG's code."""
    from io import BytesIO

    import torch
    from PIL import Image
    from transformers import AutoModelForImageTextToText, AutoProcessor
    from transformers.utils.logging import disable_progress_bar

    disable_progress_bar()
    place = settings.judges[settings.judge.name].needs
    model, processor = AutoModelForImageTextToText.from_pretrained(place, dtype=torch.float32), AutoProcessor.from_pretrained(place)
    text = (
        f"<|im_start|>user\n<|vision_start|><|image_pad|><|vision_end|>Prompt: {question.prompt}\n{question.rubric}"
        "<|im_end|>\n<|im_start|>assistant\n"
    )
    inputs = processor(text=[text], images=[Image.open(BytesIO(question.image)).convert("RGB")], return_tensors="pt")
    with torch.inference_mode():
        logits = model(**inputs).logits[0, -1].double().numpy()
    vocabulary = processor.tokenizer.get_vocab()
    spelled = [
        {vocabulary[space + word] for space in ("", "Ġ") for word in (grade, grade.lower(), grade.upper()) if space + word in vocabulary}
        for grade in settings.judge.scale.grades
    ]
    mass = np.array([np.exp(logits[sorted(ids)] - logits.max()).sum() for ids in spelled])
    shares: NDArray[np.float64] = mass / mass.sum()
    return shares


def _in_batch(settings: Params, questions: list[Question]) -> float:
    """S of the first question, when all are asked together."""
    judge = judges.load(settings, len(questions))
    expected = ratings(judge, questions, settings.judge.scale, 1.0)[0].expected
    assert expected is not None
    return expected
