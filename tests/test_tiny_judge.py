"""Packed training sequences of the judge give the logits that transformers gives per question."""

import json

import numpy as np
import pytest
import torch
import workplace
from PIL import Image

from tinyworld.cases import Case, shown_case
from tinyworld.evaluate import png
from tinyworld.instructions import Clause, Instruction
from tinyworld.language import Request, plain
from tinyworld.render import draw
from tinyworld.scene import Scene, Thing
from tinyworld.training.judge import Eyes, Layers, states
from tinyworld.training.packing import Packer
from tinyworld.training.processor import learn, patches
from trig import params
from trig.backends.judges.transformers import Transformers
from trig.judge.rubrics import rubrics
from trig.protocols.judge import Question
from trig.vocabulary.dimensions import Dimension, Task

GRADES = params.load().judge.scale.grades


@pytest.fixture(scope="module")
def judge() -> Transformers:
    settings = params.load()
    return Transformers("tiny", settings.judges["tiny"].needs, 8)


@pytest.fixture(scope="module")
def packer(judge: Transformers) -> Packer:
    return Packer(judge.processor.tokenizer, {task: rubrics("brief", task, GRADES) for task in Task}, GRADES)


def test_packed_questions_answer_as_single_ones_do(judge: Transformers, packer: Packer) -> None:
    texts = {task: rubrics("brief", task, GRADES) for task in Task}
    shown = [shown_case(11, number, task) for number, task in enumerate((Task.T2I, Task.P2P, Task.S2P, Task.T2I))]
    cases, seen_by = [case for case, _ in shown], [[*([draw(case.source)] if case.source else []), picture] for case, picture in shown]
    about = [(Dimension.REALISM, Dimension.RELATION), (Dimension.BIAS, Dimension.CONTENT), (Dimension.STYLE, Dimension.KNOWLEDGE)]
    asked = [*about, about[0]]
    with torch.inference_mode():
        flat = np.stack([each for pictures in seen_by for each in pictures])
        seen = Eyes(judge.forward.model.model.visual)(patches(flat, judge.processor.image_processor))
        packed = packer.grade(cases, asked)
        (last,) = states(judge.forward.model, Layers(judge.forward.model.model.language_model), packed, seen)
        together = judge.forward.model.get_output_embeddings()(last[packed.rows]).log_softmax(-1)
        questions = [
            (
                Question(png(pictures[-1]), case.request.text, texts[case.task][dimension], png(pictures[0]) if case.source else None),
                pictures,
            )
            for case, pictures, dimensions in zip(cases, seen_by, asked, strict=True)
            for dimension in dimensions
        ]
        alone = [judge.chat.shared([question], [[Image.fromarray(each) for each in pictures]]) for question, pictures in questions]
        singly = torch.cat([judge.forward.shared(each) for each in alone])
    assert (together - singly).abs().max() < 1e-4


def test_notes_stand_at_the_words_they_are_about(judge: Transformers, packer: Packer) -> None:
    words = judge.processor.tokenizer
    request = Request((plain("ball", "red"), plain("box")), "left", "snow", "sketch", "lifelike")
    (first, second) = Scene("photo", "snow", (Thing("ball", "blue"),)), Scene("sketch", "night", (Thing("box", "red"),))
    packed = packer.read([[Case(request, first, ())] * 2, [Case(request, second, ())]])
    said = [words.decode(packed.ids.flatten()[row]) + words.decode([note]) for row, note in zip(packed.rows, packed.targets, strict=True)]
    assert said == [" sketch not", " ball colour", " box not", " snow right", "\n not"] * 2 + [
        " sketch right", " ball not", " box right", " snow not", "\n not",
    ]  # fmt: skip


def test_a_source_and_its_result_are_told_in_words_before_the_prompt(judge: Transformers, packer: Packer) -> None:
    words = judge.processor.tokenizer
    source = Scene("photo", "snow", (Thing("ball", "blue", 0.2), Thing("car", "red", 0.8)))
    result = Scene("photo", "night", (Thing("box", "white", 0.2), Thing("car", "black", 0.8)))
    case = Case(Instruction(source, (Clause("place", "night"),)), result, (), source)
    ids = packer.read([[case]]).ids.flatten()

    def told(pairs: tuple[torch.Tensor, torch.Tensor]) -> list[tuple[str, str]]:
        return [(words.decode(ids[at]), words.decode(word)) for at, word in zip(*pairs, strict=True)]

    end, begin = "<|vision_end|>", "<|vision_start|>"
    assert told(packer.sum_up([case], len(ids))) == [
        (end, " white"), (end, " box"), ("Prompt", " black"), ("Prompt", " car"), (":", " photo"), (":", " night"), (":", " clean"),
        (end, " blue"), (end, " ball"), (begin, " red"), (begin, " car"),
    ]  # fmt: skip
    assert told(packer.stayed([case], len(ids))) == [(end, " not"), ("Prompt", " colour"), (":", " photo"), (":", " fresh")]


def test_a_judge_that_learns_new_words_reads_old_texts_as_before(judge: Transformers) -> None:
    texts = {task: rubrics("brief", task, GRADES) for task in Task}
    reads = Transformers("tiny", params.load().judges["tiny"].needs, 8).processor
    before = [judge.processor.tokenizer(text).input_ids for text in texts[Task.T2I].values()]
    learn(reads, ["an unheard-of zeppelin"])
    assert len(reads.tokenizer(" zeppelin").input_ids) == 1 < len(judge.processor.tokenizer(" zeppelin").input_ids)
    assert [reads.tokenizer(text).input_ids for text in texts[Task.T2I].values()] == before


def test_what_the_report_says_of_the_judge_was_measured_on_this_one(judge: Transformers) -> None:
    said = json.loads((workplace.ROOT / params.load().report.agreement).read_text("utf-8"))
    assert said["judge"] == f"tiny@{judge.revision}", "measure it anew: trig tiny evaluate --json"
