"""Contract test of judges: the tiny judge in process, and the same weights on a real vLLM server."""

import json
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from lines import names

from tinyworld import evaluate
from trig import params
from trig.backends.judges.openai import Served
from trig.backends.judges.transformers import Transformers
from trig.errors import LabelError
from trig.judge.labels import labels
from trig.judge.rating import rate, ratings
from trig.judge.rubrics import rubrics
from trig.params.judge import ServedJudge
from trig.protocols.judge import Answer, Judge, Question
from trig.protocols.refusal import Refusal
from trig.scales import SCALES, Scale
from trig.testing import factories, vllm
from trig.vocabulary.dimensions import Dimension, Task

SCALE = SCALES["paper"]
JUDGES = ("transformers", "vllm")


@pytest.fixture(scope="module")
def here() -> Transformers:
    settings = params.load()
    return Transformers("tiny", settings.judges["tiny"].needs, 40)


@pytest.fixture(scope="module")
def there(served: tuple[str, Path]) -> Served:
    return vllm.judge(served[0])


@pytest.fixture(params=JUDGES)
def judge(request: pytest.FixtureRequest, here: Transformers) -> Judge:
    if request.param == "transformers":
        return here
    served: Judge = request.getfixturevalue("there")
    return served


def questions(count: int) -> list[Question]:
    """About `count` questions on held-out pictures, all ten dimensions each."""
    texts = rubrics("brief", Task.T2I, SCALE.grades)
    return [
        Question(evaluate.png(shown), case.request.text, texts[dimension])
        for _, case, shown in evaluate.cases(-(-count // 100))
        for dimension in Dimension
    ]


def test_every_question_has_one_answer_that_is_a_distribution(judge: Judge) -> None:
    asked = questions(100)
    said = list(judge.ask(asked, labels(SCALE, judge.encode)))
    assert sorted(place for place, _ in said) == list(range(len(asked)))
    for _, answer in said:
        assert isinstance(answer, Answer) and answer.mode == "exact"
        assert rate(answer, 1.0, SCALE).reason is None


def test_the_same_question_has_the_same_answer_wherever_it_stands(judge: Judge) -> None:
    asked = questions(100)[:30]
    forward, backward = ratings(judge, asked, SCALE, 1.0), ratings(judge, asked[::-1], SCALE, 1.0)[::-1]
    for one, other in zip(forward, backward, strict=True):
        assert one.p == pytest.approx(other.p, abs=1e-5)


def test_a_damaged_picture_is_refused_for_good_and_its_neighbours_are_not(judge: Judge) -> None:
    asked = [*questions(100)[:2], Question(factories.png(1, 64, 64)[:60], "a ball", "x"), *questions(100)[2:4]]
    said = dict(judge.ask(asked, labels(SCALE, judge.encode)))
    assert isinstance(said[2], Refusal) and said[2].final
    assert all(isinstance(said[place], Answer) for place in (0, 1, 3, 4))


def test_the_judge_sees_the_source_too(judge: Judge) -> None:
    text = rubrics("brief", Task.P2P, SCALE.grades)[Dimension.CONTENT]
    shown, *sources = (factories.png(seed, 64, 64) for seed in range(3))
    asked = [Question(shown, "make it red", text, source) for source in (None, *sources)]
    assert len({rating.p for rating in ratings(judge, asked, SCALE, 1.0)}) == 3


def test_a_grade_of_several_tokens_is_refused_by_name(judge: Judge) -> None:
    with pytest.raises(LabelError, match=names("params.yaml: judge.scale", "'Terrible'", 4)):
        labels(Scale(("Terrible", "Good")), judge.encode)


def test_it_says_what_it_is(judge: Judge) -> None:
    assert judge.engine.split()[0] in JUDGES and len(judge.revision) == 32
    assert judge.dtype == ("float32" if judge.engine.startswith("transformers") else None)


def test_both_give_the_same_probabilities(here: Transformers, there: Served) -> None:
    edit = rubrics("brief", Task.P2P, SCALE.grades)[Dimension.CONTENT]
    edits = [Question(factories.png(seed, 64, 64), "make it red", edit, factories.png(seed + 1, 64, 64)) for seed in range(5)]
    asked = [*questions(500), *edits]
    one, other = (np.array([rating.p for rating in ratings(judge, asked, SCALE, 1.0)]) for judge in (here, there))
    assert len(asked) >= 500
    assert np.abs(one - other).max() <= 1e-4


def test_both_see_the_pixels_that_a_viewer_shows(here: Transformers, there: Served) -> None:
    inputs = Path(__file__).parent / "inputs"
    prompt, files = (inputs / "prompt.txt").read_text("utf-8").strip(), sorted((inputs / "pictures").iterdir())
    asked = [Question(file.read_bytes(), prompt, rubrics("brief", Task.T2I, SCALE.grades)[Dimension.RELATION]) for file in files]
    one, other = ([rating.expected for rating in ratings(judge, asked, SCALE, 0.5)] for judge in (here, there))
    assert one == [pytest.approx(expected, abs=1e-3) for expected in other]
    by_name = dict(zip((file.name for file in files), one, strict=True))
    assert by_name["sideways-8.webp"] == pytest.approx(by_name["upright.png"], abs=1e-3)


def test_a_reserved_word_is_refused_for_good_by_both(judge: Judge) -> None:
    asked = [*questions(100)[:1], Question(factories.png(1, 64, 64), "a wall with <|image_pad|> on it", "x")]
    said = dict(judge.ask(asked, labels(SCALE, judge.encode)))
    assert isinstance(said[0], Answer)
    assert said[1] == Refusal("the text holds '<|image_pad|>', a word that the judge reserves; write it otherwise", final=True)


def test_trig_serve_really_serves(served: tuple[str, Path], monkeypatch: pytest.MonkeyPatch) -> None:
    address, folder = served
    with urllib.request.urlopen(f"{address}/v1/models", timeout=5) as answer:
        models = json.load(answer)["data"]
    printed_length = (folder / "log").read_text("utf-8").split("--max-model-len ")[1].split()[0]
    assert [(model["id"], model["max_model_len"]) for model in models] == [("tiny", int(printed_length))]
    monkeypatch.chdir(folder)
    settings = params.load()
    entry = settings.judges["tiny-served"]
    assert isinstance(entry, ServedJudge)
    judge = Served("tiny-served", entry)
    asked = Question(
        factories.png(1, 64, 64),
        "make it red",
        rubrics("brief", Task.P2P, settings.judge.scale.grades)[Dimension.CONTENT],
        factories.png(2, 64, 64),
    )
    ((_, said),) = judge.ask([asked], labels(settings.judge.scale, judge.encode))
    assert isinstance(said, Answer) and said.mode == "exact" and rate(said, 1.0, settings.judge.scale).reason is None
