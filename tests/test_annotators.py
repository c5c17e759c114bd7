"""Language models behind chat endpoints: every question ends in a valid answer or in a reason, whatever the provider can and does."""

import json
import logging
import re
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from annotating import ENTRY, annotator, brief, drafts, entry
from lines import names
from pydantic import BaseModel, ValidationError

from trig.annotate import write
from trig.annotate.shapes import Recovered, Seen, Shown, Written
from trig.backends.annotators.openai import Served
from trig.errors import AnnotatorError
from trig.llm import endpoints, shapes
from trig.llm.providers import presets
from trig.notation import read
from trig.params.annotators import AnnotatorModel
from trig.params.complaints import complaint
from trig.params.section import Section
from trig.protocols.annotator import Ask, Reply
from trig.protocols.refusal import Refusal
from trig.testing import factories
from trig.testing.servers import Spoiler, running
from trig.testing.writers import Writer, invented, text
from trig.vocabulary.dimensions import Task

ALL = (Written, Seen, Shown, Recovered)
SHIPPED = Path(__file__).parents[1] / "params.yaml"


class Annotators(Section):
    """The section alone."""

    annotators: dict[str, AnnotatorModel]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FIRST_DELAY", "FIRST_REST"):
        monkeypatch.setattr(endpoints, name, 0.01)
    for name in ("OPENAI_API_KEY", "DEEPSEEK_API_KEY"):
        monkeypatch.setenv(name, "secret-key")


def asks(count: int) -> list[Ask]:
    made = drafts(count)
    return [write.question(draft, brief(made)) for draft in made]


class Saying(Writer):
    """Says these things in turn, each a content, or a status with the body of an error."""

    def __init__(self, *told: str | tuple[int, dict[str, Any]], finish: str = "stop", refusal: str | None = None) -> None:
        super().__init__()
        self.turns, self.finish, self.refusal = iter(told), finish, refusal

    def complete(self, body: dict[str, Any]) -> web.Response:
        self.bodies.append(body)
        said = next(self.turns)
        if isinstance(said, tuple):
            return web.json_response({"error": said[1]}, status=said[0])
        return self.told(said, self.finish, self.refusal)


GOOD = '{"prompt": "a girl beside a dog, an oil painting"}'


def asked(server: Writer, ask: Ask | None = None, **changed: Any) -> Reply | Refusal:
    """What becomes of one question."""
    with running(server) as address:
        ((place, said),) = annotator(address, **changed).ask([ask or asks(1)[0]])
    assert place == 0
    return said


@pytest.mark.parametrize(
    ("provider", "takes"), [("openai", ()), ("vllm", ("json_object",)), ("deepseek", ("json_object",)), ("custom", ())]
)
def test_a_faulty_server_that_takes_no_schema_costs_no_question(provider: str, takes: tuple[str, ...]) -> None:
    server, count = Writer(takes, faulty=True), 150
    with running(server) as address:
        said = list(annotator(address, provider=provider, concurrency=32).ask(asks(count)))
    assert sorted(place for place, _ in said) == list(range(count))
    ways = [server.dealt(body) for body in {text(body): body for body in server.bodies}.values()]
    assert {"malformed", "refused", "slow", "blank", ""} <= {*ways}
    reasons = [answer.reason for _, answer in said if isinstance(answer, Refusal)]
    assert reasons.count("the model refused the question") == ways.count("refused")
    malformed = [reason for reason in reasons if reason.startswith("no answer of the shape asked for, after a repair: ")]
    assert 0 < len(malformed) < ways.count("malformed") and len(reasons) == len(malformed) + ways.count("refused")
    assert all(answer.final for _, answer in said if isinstance(answer, Refusal))
    assert max(server.settled.values()) == 2 and sum(server.settled.values()) == count + ways.count("blank")


def test_deepseek_is_never_sent_a_schema_and_never_thinks() -> None:
    with running(server := Writer(takes=("json_object",))) as address:
        list(annotator(address, provider="deepseek", temperature=0.7).ask(asks(5)))
    assert server.formats == {"json_object"} and len(server.bodies) == 5
    for body in server.bodies:
        assert body["thinking"] == {"type": "disabled"} and body["max_tokens"] == 500 and body["temperature"] == 0.7
        assert not {"max_completion_tokens", "seed"} & body.keys()
        assert re.search(r"\bjson\b", text(body)) and '{"prompt": "A grey cat' in text(body)


def test_a_refused_schema_is_sent_no_more_and_that_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    with running(server := Writer(takes=("json_object",))) as address:
        one = annotator(address, provider="openai", concurrency=1)
        assert all(isinstance(said, Reply) for _, said in one.ask(asks(6)))
    assert [body["response_format"]["type"] for body in server.bodies] == ["json_schema", *["json_object"] * 6]
    assert [record.getMessage() for record in caplog.records if record.name.startswith("trig")] == [
        "params.yaml: annotators.x.overrides.json: the server refuses schema; object is used"
    ]


@pytest.mark.parametrize("shape", ALL)
def test_a_strict_schema_holds_only_what_strict_mode_takes(shape: type[BaseModel]) -> None:
    def objects(part: Any) -> list[Any]:
        inner = part.values() if isinstance(part, dict) else part if isinstance(part, list) else ()
        return [*([part] if isinstance(part, dict) else []), *(found for each in inner for found in objects(each))]

    strict = shapes.schema(shape, strict=True)
    for part in objects({**strict, "properties": list(strict["properties"].values())}):
        assert not (shapes.LIMITS | shapes.NOISE) & part.keys()
    assert strict["required"] == list(shape.model_fields) and strict["additionalProperties"] is False
    assert ("maxLength" in json.dumps(shapes.schema(shape, strict=False))) == (shape in (Written, Seen))
    shapes.read(shapes.example(shape), shape)


def test_openai_is_sent_its_own_dialect() -> None:
    with running(server := Writer()) as address:
        ((_, said),) = annotator(address, provider="openai", seed=7, temperature=0.0).ask(asks(1))
    (body,) = server.bodies
    assert isinstance(said, Reply) and (said.model, said.prompt_tokens, said.completion_tokens) == ("stub", 50, 1)
    assert body["response_format"]["json_schema"] == {"name": "Written", "strict": True, "schema": shapes.schema(Written, strict=True)}
    assert (body["max_completion_tokens"], body["seed"], body["temperature"]) == (500, 7, 0.0) and "max_tokens" not in body


def test_a_malformed_answer_is_shown_its_error_once() -> None:
    said = asked(server := Saying('{"promt": "a ball"}', f"Sure!\n```json\n{GOOD}\n```"))
    assert isinstance(said, Reply) and said.answer == Written.model_validate_json(GOOD)
    assert (said.prompt_tokens, said.completion_tokens) == (100, 2)
    assert [message["role"] for message in server.bodies[1]["messages"]] == ["system", "user", "assistant", "user"]
    assert "prompt: Field required" in server.bodies[1]["messages"][3]["content"]


@pytest.mark.parametrize(
    ("server", "reason"),
    [
        (Saying(" ", "\n"), "a blank answer, twice"),
        (Saying("", refusal="No."), "the model refused the question"),
        (Saying("half", finish="content_filter"), "the provider's content filter stopped the answer"),
        (Saying((400, {"code": "content_filter", "message": "x"})), "the provider's content filter refused the question"),
        (
            Saying(GOOD[:20], "", finish="length"),
            "no answer of the shape asked for, after a repair: it was longer than the limit on tokens and was cut off",
        ),
        (
            Saying('{"prompt": 5}', '{"prompt": ""}'),
            "no answer of the shape asked for, after a repair: prompt: String should have at least 1 character",
        ),
        (Saying("{" * 5000, '{"prompt": "\\ud800"}'), "no answer of the shape asked for, after a repair: the answer: Invalid JSON: "),
    ],
    ids=lambda each: each[:30] if isinstance(each, str) else "",
)
def test_what_is_no_answer_is_refused_for_good_with_its_reason(server: Saying, reason: str) -> None:
    said = asked(server)
    assert isinstance(said, Refusal) and said.final and said.reason.startswith(reason)


@pytest.mark.parametrize("flagged", [403, 413])
def test_a_question_that_the_server_refuses_may_be_asked_again(flagged: int) -> None:
    assert asked(Saying((flagged, {"message": "flagged"}))) == Refusal(f"the server refused the question (HTTP {flagged})")


def test_a_blank_answer_is_asked_once_more() -> None:
    assert isinstance(asked(Saying("  ", GOOD)), Reply)


@pytest.mark.parametrize(
    ("error", "line"),
    [
        ((429, {"code": "insufficient_quota"}), "key: the account behind the key has no credit left (HTTP 429); top it up"),
        ((401, {}), "key: the server does not accept the key; name the environment variable"),
        ((400, {"code": "unsupported_value", "param": "temperature"}), "temperature: stub does not take it (HTTP 400); set it to null"),
        (
            (400, {"code": "unsupported_parameter", "param": "max_completion_tokens"}),
            "overrides.limit: stub does not take max_completion_tokens",
        ),
    ],
)
def test_what_every_question_would_meet_is_one_line(error: tuple[int, dict[str, Any]], line: str) -> None:
    with pytest.raises(AnnotatorError) as caught:
        asked(Saying(error), provider="openai", temperature=0.5)
    assert str(caught.value).startswith(f"params.yaml: annotators.x.{line}")


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"provider": "deepseek", "seed": 1}, ("x.seed", "deepseek", "null", "overrides:")),
        ({"overrides": {"temperature": False}, "temperature": 0.5}, ("x.temperature", "custom", "null", "overrides:")),
    ],
)
def test_a_setting_that_the_provider_ignores_is_not_dropped_in_silence(changed: dict[str, Any], named: tuple[str, ...]) -> None:
    field, *others = named
    with pytest.raises(AnnotatorError, match=names(f"params.yaml: annotators.{field}", *others)):
        Served("x", entry(**changed))


def test_pictures_are_sent_first_and_only_to_a_model_that_sees() -> None:
    ask = Ask("system", "text", Seen, (factories.png(1),))
    said = asked(server := Writer(), ask, overrides={"vision": True})
    assert isinstance(said, Reply) and isinstance(said.answer, Seen)
    picture, words = server.bodies[0]["messages"][1]["content"]
    assert picture["image_url"]["url"].startswith("data:image/png;base64,") and words["text"].startswith("text\n")
    with pytest.raises(AnnotatorError, match=names("params.yaml: annotators.x.overrides.vision", "true")):
        asked(Writer(), ask)
    broken = asked(Writer(), Ask("system", "text", Seen, (factories.png(1)[:50],)), overrides={"vision": True})
    assert isinstance(broken, Refusal) and broken.final


def test_the_revision_tells_what_decides_an_answer_and_needs_no_server() -> None:
    first = Served("x", entry()).revision
    same: dict[str, Any] = {
        "concurrency": 3,
        "timeout": 1.0,
        "retries": 9,
        "endpoints": ["http://elsewhere/v1"],
        "overrides": {"spent": ["402"]},
    }
    assert {Served("x", entry(**{name: value})).revision for name, value in same.items()} == {first}
    others: dict[str, Any] = {"model": "other", "temperature": 0.5, "longest": 9, "overrides": {"json": "object"}, "provider": "vllm"}
    assert len({first, *(Served("x", entry(**{name: value})).revision for name, value in others.items())}) == 6


def test_neither_key_nor_prompt_reaches_a_log_or_a_reason(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    with running(Writer(faulty=True)) as behind, running(Spoiler(behind, 0.5, 0.2)) as address:
        one = annotator(address, provider="openai", retries=1)
        said = [answer for _, answer in one.ask(asks(60))]
    told = caplog.text + repr(one.access) + "".join(answer.reason for answer in said if isinstance(answer, Refusal))
    assert "HTTP" in told and len(said) == 60
    assert "secret-key" not in told and "caption" not in told and "oil painting" not in told


def test_an_unnamed_model_is_the_only_one_listed() -> None:
    with running(Writer()) as address:
        assert annotator(address, model=None).contact.model == "stub"
        with pytest.raises(AnnotatorError, match=names("params.yaml: annotators.x.model", "'gpt'", address, "stub")):
            list(annotator(address, model="gpt").ask(asks(1)))


def test_every_preset_is_dated_and_complete() -> None:
    assert set(presets()) == {"openai", "deepseek", "vllm", "custom"}
    for each in presets().values():
        assert re.fullmatch(r"\d{4}-\d{2}", each.seen)
    assert presets()["deepseek"].json == "object"


def test_an_answer_is_found_among_other_words() -> None:
    for said in (GOOD, f"<think>{{}}</think>{GOOD}", f"Here: ```json\n{GOOD}``` {{}}", f"An {{object}}: {GOOD}"):
        assert shapes.read(said, Written) == Written.model_validate_json(GOOD)
    assert invented(shapes.schema(Seen, strict=True), "w")["fit"] is True
    assert write.describe(Task.S2P, "fr").shape is Seen


def test_the_shipped_entries_are_of_every_kind_of_provider() -> None:
    found = read(SHIPPED.read_text("utf-8"))["annotators"]
    assert {AnnotatorModel.model_validate(each).provider for each in found.values()} == {"openai", "deepseek", "vllm"}


@pytest.mark.parametrize(
    ("changed", "line"),
    [
        ({"provider": "gemini"}, "annotators.x.provider: 'gemini': input should be 'openai', 'deepseek', 'vllm' or 'custom'"),
        ({"key": "sk-secret"}, "annotators.x.key: name the environment variable that holds the key, such as OPENAI_API_KEY;"),
        ({"endpoints": ["http://u:hush@x/v1"]}, "annotators.x.endpoints.0: give addresses such as http://127.0.0.1:8000/v1, without"),
        ({"temperature": 3.0}, "annotators.x.temperature: 3.0 is more than 2: no server takes more"),
        ({"temprature": 1.0}, "annotators.x.temprature: unknown key; did you mean 'temperature'?"),
        ({"overrides": {"json": "xml"}}, "annotators.x.overrides.json: 'xml': input should be 'schema', 'object' or 'none'"),
        ({"overrides": {"tools": True}}, "annotators.x.overrides.tools: unknown key"),
        ({"overrides": {"seed": "yes"}}, "annotators.x.overrides.seed: 'yes': input should be a valid boolean"),
    ],
)
def test_a_mistake_in_params_is_one_line(changed: dict[str, Any], line: str) -> None:
    with pytest.raises(ValidationError) as caught:
        Annotators.model_validate({"annotators": {"x": {**ENTRY, **changed}}})
    said = complaint(caught.value, Annotators, {"annotators": AnnotatorModel}, {})
    assert said.startswith(line) and "hush" not in said and "secret" not in said
