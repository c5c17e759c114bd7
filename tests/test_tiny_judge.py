"""Packed training sequences of the judge give the logits that transformers gives per question."""

import json

import numpy as np
import pytest
import torch
import workplace
from PIL import Image

from tinyworld.cases import shown_case
from tinyworld.evaluate import png
from tinyworld.language import Request, plain
from tinyworld.scene import Scene, Thing
from tinyworld.training.judge import Eyes, Layers, states
from tinyworld.training.packing import Packer
from tinyworld.training.processor import patches
from trig import params
from trig.backends.judges.transformers import Transformers
from trig.judge.rubrics import rubrics
from trig.protocols.judge import Question
from trig.vocabulary.dimensions import Dimension, Task


@pytest.fixture(scope="module")
def judge() -> Transformers:
    settings = params.load()
    return Transformers("tiny", settings.judges["tiny"].needs, 8)


def test_packed_questions_answer_as_single_ones_do(judge: Transformers) -> None:
    grades = params.load().judge.scale.grades
    texts = rubrics("brief", Task.T2I, grades)
    packer = Packer(judge.processor.tokenizer, texts, grades)
    cases, pictures = zip(*(shown_case(11, number) for number in range(3)), strict=True)
    asked = [(Dimension.REALISM, Dimension.RELATION), (Dimension.BIAS, Dimension.CONTENT), (Dimension.STYLE, Dimension.KNOWLEDGE)]
    with torch.inference_mode():
        seen = Eyes(judge.forward.model.model.visual)(patches(np.stack(pictures), judge.processor.image_processor))
        packed = packer.grade(cases, asked)
        (last,) = states(judge.forward.model, Layers(judge.forward.model.model.language_model), packed, seen)
        together = judge.forward.model.get_output_embeddings()(last[packed.rows]).log_softmax(-1)
        questions = [
            (Question(png(shown), case.request.text, texts[dimension]), Image.fromarray(shown))
            for case, shown, dimensions in zip(cases, pictures, asked, strict=True)
            for dimension in dimensions
        ]
        alone = torch.cat([judge.forward.shared(judge.chat.shared([question], [[shown]])) for question, shown in questions])
    assert (together - alone).abs().max() < 1e-4


def test_notes_stand_at_the_words_they_are_about(judge: Transformers) -> None:
    words = judge.processor.tokenizer
    packer = Packer(words, rubrics("brief", Task.T2I, params.load().judge.scale.grades), params.load().judge.scale.grades)
    request = Request((plain("ball", "red"), plain("box")), "left", "snow", "sketch", "lifelike")
    (first, second) = Scene("photo", "snow", (Thing("ball", "blue"),)), Scene("sketch", "night", (Thing("box", "red"),))
    packed = packer.read([first, second], [[request, request], [request]])
    said = [words.decode(packed.ids.flatten()[row]) + words.decode([note]) for row, note in zip(packed.rows, packed.targets, strict=True)]
    assert said == [" sketch not", " ball colour", " box not", " snow right", "\n not"] * 2 + [
        " sketch right", " ball not", " box right", " snow not", "\n not",
    ]  # fmt: skip


def test_what_the_report_says_of_the_judge_was_measured_on_this_one(judge: Transformers) -> None:
    said = json.loads((workplace.ROOT / params.load().report.agreement).read_text("utf-8"))
    assert said["judge"] == f"tiny@{judge.revision}", "measure it anew: trig tiny evaluate --json"
