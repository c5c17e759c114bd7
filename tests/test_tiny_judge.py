"""What the judge is taught is what it is asked: the packed layout of training gives the answers that transformers gives question by question."""

import numpy as np
import pytest
import torch
from PIL import Image

from trig import params
from trig.backends.transformers import Transformers
from trig.dimensions import Dimension, Task
from trig.judge import rubrics
from trig.protocols import Question
from trig.tiny.cases import shown_case
from trig.tiny.evaluate import png
from trig.tiny.train.judge import Eyes, forward
from trig.tiny.train.packing import Packer
from trig.tiny.train.processor import patches


@pytest.fixture(scope="module")
def judge() -> Transformers:
    settings = params.load()
    return Transformers("tiny", settings.judges["tiny"].weights, 8)


def test_packed_questions_answer_as_single_ones_do(judge: Transformers) -> None:
    grades = params.load().judge.grades
    texts = rubrics(Task.T2I, grades)
    packer = Packer(judge.processor.tokenizer, texts, grades)
    cases, pictures = zip(*(shown_case(11, number) for number in range(3)), strict=True)
    asked = [(Dimension.REALISM, Dimension.RELATION), (Dimension.BIAS, Dimension.CONTENT), (Dimension.STYLE, Dimension.KNOWLEDGE)]
    with torch.inference_mode():
        packed = packer.pack(cases, asked)
        _, states = forward(
            judge.model, Eyes(judge.model.model.visual), packed, patches(np.stack(pictures), judge.processor.image_processor)
        )
        together = judge.model.get_output_embeddings()(states[packed.grade_rows]).log_softmax(-1)
        questions = [
            (Question(png(shown), case.request.text, texts[dimension]), Image.fromarray(shown))
            for case, shown, dimensions in zip(cases, pictures, asked, strict=True)
            for dimension in dimensions
        ]
        alone = torch.cat([judge.logprobs([question], [shown]) for question, shown in questions])
    assert (together - alone).abs().max() < 1e-4
