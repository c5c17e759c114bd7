"""Judges of many architectures, as small random checkpoints: each answers as in a plain forward pass of the whole prompt, or is refused by name."""

import json
from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import architectures
import pytest
import torch
from lines import names
from PIL import Image
from transformers import AutoProcessor
from transformers.models.smolvlm import processing_smolvlm

from trig import params
from trig.backends.judges import proof
from trig.backends.judges.chat import Shared
from trig.backends.judges.forward import Forward
from trig.backends.judges.transformers import Transformers
from trig.errors import WeightsError
from trig.judge.labels import labels
from trig.protocols.judge import Answer, Question
from trig.protocols.refusal import Refusal
from trig.scales import SCALES
from trig.testing import factories

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # transformers, of GLM-4V's token types
ALONE = {"qwen3_5": "LinearAttentionLayer", "mllama": "suffix would not see", "paligemma": "nats"}
"""Architectures without a shared cache, and why."""
SCALE = SCALES["paper"]
LONG = "Look at the whole picture, and at each thing in it, its colour, its place and its size, before you answer with a word. "


@pytest.fixture(autouse=True)
def _on_one_core() -> Iterator[None]:
    """Threads cost more than such small products."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _without_num2words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processing_smolvlm, "num2words", str)  # it spells the times of videos, and is not installed


def saved(make: Any, place: Path, **more: Any) -> Path:
    """A checkpoint of small random weights."""
    torch.manual_seed(0)
    model, processor = make(AutoProcessor.from_pretrained(params.load().judges["tiny"].needs), **more)
    model.save_pretrained(place)
    processor.save_pretrained(place)
    return place


def questions(*rubrics: str) -> list[Question]:
    """About two pictures of two sizes, with and without a source picture."""
    shown = [(factories.png(seed, *size), "a ball" + " and a box" * seed) for seed, size in enumerate([(32, 32), (64, 32)])]
    return [
        Question(picture, prompt, rubric, source)
        for picture, prompt in shown
        for source in (None, factories.png(9, 32, 64))
        for rubric in rubrics
    ]


@torch.inference_mode()
def plainly(judge: Transformers, question: Question) -> tuple[torch.Tensor, int]:
    """Log-probabilities of a forward pass of the conversation as transformers makes it, without anything of the judge's; its tokens."""
    pictures = [{"type": "image", "image": Image.open(BytesIO(file)).convert("RGB")} for file in question.images]
    chat = [{"role": "user", "content": [*pictures, {"type": "text", "text": question.text}]}]
    inputs = judge.processor.apply_chat_template([chat], add_generation_prompt=True, tokenize=True, return_dict=True, return_tensors="pt")
    return judge.forward.model(**inputs).logits[0, -1].log_softmax(-1), inputs["input_ids"].shape[1]


def check(judge: Transformers, asked: Sequence[Question]) -> None:
    """Its answers are those of plain passes."""
    known = labels(SCALE, judge.encode)
    assert known.ids is not None
    said = dict(judge.ask(asked, known))
    for place, question in enumerate(asked):
        wanted, tokens = plainly(judge, question)
        answer = said[place]
        assert isinstance(answer, Answer), answer
        assert answer.logprobs == pytest.approx([float(wanted[list(each)].logsumexp(-1)) for each in known.ids], abs=1e-4)
        assert answer.tokens == tokens
        assert answer.picture_tokens is not None and len(question.images) <= answer.picture_tokens < tokens


@pytest.mark.parametrize("name", architectures.FAMILIES)
def test_a_judge_answers_as_a_plain_forward_pass_does(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    judge = Transformers("x", str(saved(architectures.FAMILIES[name], tmp_path)), 40)
    check(judge, questions("Is it good?", f"{LONG}Is it?"))
    assert {found.way for found in judge.proofs.values()} == {"alone" if name in ALONE else "shared"}
    told = capsys.readouterr().err
    assert told.count("\n") == (name in ALONE) and ALONE.get(name, "") in told


def test_a_question_beyond_the_sliding_window_is_asked_alone(tmp_path: Path) -> None:
    """A judge whose proof fits into the window would pass it."""
    judge = Transformers("x", str(saved(architectures.gemma3, tmp_path, window=160)), 40)
    asked = questions("Is it good?", f"{LONG * 4}Is it?")
    assert {found.way for found in judge.proofs.values()} == {"shared"}
    check(judge, asked)
    one = [(place, question, [Image.new("RGB", (32, 32))] * len(question.images)) for place, question in enumerate(asked)]
    assert [isinstance(judge._prepare(each, judge.proofs), Shared) for each in (one[:1], one[:2])] == [True, False]


def test_a_judge_that_sees_one_picture_only_refuses_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Transformers("x", str(saved(architectures.llava, tmp_path)), 40)
    whole = Forward.whole

    def single(self: Forward, question: Question, pictures: Sequence[Image.Image]) -> torch.Tensor:
        if len(pictures) > 1:
            raise ValueError("one picture at most")
        return whole(self, question, pictures)

    monkeypatch.setattr(Forward, "whole", single)
    said = dict(judge.ask(questions("Is it good?"), labels(SCALE, judge.encode)))
    assert [type(said[place]) for place in range(4)] == [Answer, Refusal] * 2
    assert isinstance(refused := said[1], Refusal) and "one picture at most" in refused.reason and not refused.final


def test_a_judge_that_neither_way_answers_is_refused_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    judge = Transformers("x", str(saved(architectures.llava, tmp_path)), 40)
    whole = Forward.whole
    monkeypatch.setattr(Forward, "whole", lambda self, *asked: whole(self, *asked).roll(1))
    with pytest.raises(WeightsError, match=names("params.yaml: judges.x.weights", "LlavaForConditionalGeneration", "nats")):
        list(judge.ask(questions("Is it good?"), labels(SCALE, judge.encode)))


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_rounding_is_no_failure(dtype: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = str(saved(architectures.qwen2_5_vl, tmp_path))
    judge = Transformers("x", place, 40, dtype=dtype)
    assert {found.way for found in judge.proofs.values()} == {"shared"}
    assert judge.forward.model.dtype == getattr(torch, dtype) and judge.dtype == dtype
    assert judge.revision != Transformers("x", place, 40).revision
    monkeypatch.setattr(proof, "ROUNDING", 0.01)
    del judge.proofs
    assert "alone" in {found.way for found in judge.proofs.values()}


def test_a_device_map_changes_no_answer_and_no_revision(tmp_path: Path) -> None:
    place = str(saved(architectures.llava, tmp_path))
    plain, mapped = Transformers("x", place, 40), Transformers("x", place, 40, device_map="cpu")
    assert plain.revision == mapped.revision
    check(mapped, questions("Is it good?")[:2])


def without_template(place: Path) -> None:
    (place / "chat_template.jinja").unlink()


def quantised(method: str, **more: Any) -> Any:
    def edit(place: Path) -> None:
        config = json.loads((place / "config.json").read_text("utf-8"))
        (place / "config.json").write_text(json.dumps(config | {"quantization_config": {"quant_method": method, **more}}), "utf-8")

    return edit


def of_another_kind(place: Path) -> None:
    config = json.loads((place / "config.json").read_text("utf-8"))
    (place / "config.json").write_text(json.dumps(config | {"model_type": "clip"}), "utf-8")


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (without_template, "chat template"),
        (quantised("awq", bits=4), "gptqmodel"),
        (quantised("gptq", bits=4), "optimum"),
        (quantised("bitsandbytes", load_in_4bit=True), "bitsandbytes"),
        (of_another_kind, "clip"),
    ],
)
def test_what_transformers_cannot_load_is_one_line(edit: Any, said: str, tmp_path: Path) -> None:
    edit(saved(architectures.llava, tmp_path))
    with pytest.raises(WeightsError, match=rf"(?i)^params.yaml: judges.x.weights: .*{said}") as told:
        _ = Transformers("x", str(tmp_path), 8).forward
    assert "\n" not in str(told.value)


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = saved(architectures.smolvlm, tmp_path)
    monkeypatch.setattr(processing_smolvlm, "num2words", None)
    with pytest.raises(WeightsError, match=names("params.yaml: judges.x.weights", "num2words")):
        Transformers("x", str(place), 8)


def test_nothing_is_loaded_until_something_is_asked(tmp_path: Path) -> None:
    judge = Transformers("x", str(saved(architectures.llava, tmp_path)), 8)
    assert list(judge.ask([], labels(SCALE, judge.encode))) == []
    assert "forward" not in vars(judge)
