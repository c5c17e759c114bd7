"""Incompatible servers, client environments and exhausted accounts: one-line errors that name the cause."""

import json
from collections import Counter
from collections.abc import Sequence
from math import log
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from lines import names
from served import judge, questions

from trig import params
from trig.backends.checkpoint import reserved
from trig.backends.judges import openai as served
from trig.backends.judges.completions import count, read
from trig.errors import JudgeError
from trig.judge.labels import labels
from trig.judge.rating import rate, ratings
from trig.llm import endpoints
from trig.protocols.judge import Answer, Labels, Question
from trig.protocols.refusal import Refusal
from trig.scales import SCALES
from trig.testing import factories, servers
from trig.testing.servers import Stub, running

SCALE = SCALES["paper"]


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(endpoints, "FIRST_REST", 0.01)


def told(*top: tuple[str, float, list[int] | None]) -> SimpleNamespace:
    """Completion with these tokens, probabilities and bytes."""
    named = [SimpleNamespace(token=token, logprob=log(share), bytes=code) for token, share, code in top]
    return SimpleNamespace(choices=[SimpleNamespace(logprobs=SimpleNamespace(content=[SimpleNamespace(top_logprobs=named)]))])


@pytest.mark.parametrize(
    ("top", "right"),
    [
        ([("Good", 0.45, None), ("Medium", 0.30, None), ("Bad", 0.24, None), ("Good", 0.01, None)], 0.61),
        ([("Good", 0.01, None), ("Medium", 0.30, None), ("Bad", 0.24, None), ("Good", 0.45, None)], 0.61),
        ([("Good", 0.3, [71]), ("Medium", 0.4, [77]), ("Good", 0.3, [71, 0])], 0.8),
        ([("Good", 0.5, [71]), ("Bad", 0.25, [66]), ("Good", 0.5, [71])], 0.5 / 0.75),
    ],
    ids=["the likelier first", "the likelier last", "equally likely with other bytes", "the sampled token twice"],
)
def test_two_tokens_with_one_text_are_both_counted_and_a_repeat_once(top: list[tuple[str, float, list[int] | None]], right: float) -> None:
    rating = rate(read(told(*top), labels(SCALE, lambda _: None), "top"), 0.5, SCALE)
    assert rating.expected == pytest.approx(right)


def test_a_token_id_that_is_named_twice_counts_once() -> None:
    ids = labels(SCALE, lambda word: [{"Bad": 1, "Medium": 2, "Good": 3}.get(word.strip().capitalize(), 9)])
    exact = read(
        told(("token_id:3", 0.5, None), ("token_id:1", 0.5, None), ("token_id:2", 1e-9, None), ("token_id:3", 0.5, None)), ids, "exact"
    )
    assert rate(exact, 0.5, SCALE).expected == pytest.approx(0.5)


def sampled(text: str, scale: str) -> int | None:
    """Index of the grade an answer counts as; None for none."""
    return counted(text, SCALES[scale].grades)


def counted(text: str, grades: Sequence[str]) -> int | None:
    choice = SimpleNamespace(finish_reason="stop", message=SimpleNamespace(content=text))
    said = count([SimpleNamespace(choices=[choice])], Labels(tuple(grades), None))
    found = [place for place, logprob in enumerate(said.logprobs) if logprob == 0]
    return found[0] if found else None


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        *(
            (text, 3)
            for text in ("4", "4.", "4.0", "4,0", " **4**", "Score: 4", "**Score:** 4", "score = 4", '{"score": 4}', "Rating: 4/5")
        ),
        *(
            (text, 3)
            for text in ("4/5", "4 / 5", "4 out of 5", "My final rating is 4", "Final answer: 4, because", "<think>5?</think>\n4", "- 4")
        ),
        *((text, 3) for text in ("Score 4", "4 - it shows a ball", "(4)", "`4`", "Score of 4", "Score - 4", "Rating (1-5): 4", "4 stars")),
        *(
            (text, 3)
            for text in (
                "Quality score: 4",
                "<answer>4</answer>",
                "$\\boxed{4}$",
                "“4”",
                "**4**/5",
                "4 (out of 5)",
                "4 on a scale of 1 to 5",
            )
        ),
        *(
            (text, None)
            for text in ("4.5", "4,5", "4.05", "45", "4-5", "4–5", "4 to 5", "4 or 5", "4/10", "8/10", "-4", "four", "Not 4", "")
        ),
        *((text, None) for text in ("I would say 4", "Score: 4.5", "Score: high", "4th", "4 1/2", "4 and a half", "4½", "4%", "4·5", "4+")),
        *((text, None) for text in ("4...5", "4…5", "4 → 5", "4 -> 5", "4, or 5", "4 or maybe 5", "4 (or 5)", "4|5", "4 to 4.5", "4-4.5")),
        *((text, None) for text in ("4, out of 10", "4 stars out of 10", "4 on a scale of 1 to 10", "Score: -4")),
    ],
)
def test_a_sampled_number_is_the_grade_it_says_or_none(text: str, grade: int | None) -> None:
    assert sampled(text, "digits") == grade


@pytest.mark.parametrize(
    ("text", "grade"),
    [
        *(
            (text, 2)
            for text in ("Good", "good.", "**Good**", "Rating: Good", "The overall quality is good, for", "Answer: *Good*", "Good!")
        ),
        *(
            (text, None)
            for text in ("Goodness", "good-ish", "Not good", "Not good: bad", "Good or Medium", "Good/Medium", "Medium to Good")
        ),
        *((text, None) for text in ("Good, or Medium", "Good → Bad", "Good|Medium", "Good... Medium", "Good (or Medium)")),
        *((text, 2) for text in ("“Good”", "Good (as it shows a ball)", "The answer is: good")),
        ("Medium, not Good", 1),
        ("Bad. The quality is not good", 0),
    ],
)
def test_a_sampled_word_is_the_grade_it_says_or_none(text: str, grade: int | None) -> None:
    assert sampled(text, "paper") == grade


@pytest.mark.parametrize(
    ("grades", "text", "grade"),
    [
        *(("C B A A*", text, 3) for text in ("A*", "**A***", "Grade: A*")),
        *(("C B A A*", text, 2) for text in ("A", "**A**", "A, as it shows a ball", "A - fine")),
        *(("C B A A*", text, None) for text in ("C#", "B+", "A-", "A ball is there")),
        *(("[low] [high]", text, 1) for text in ("[high]", "**[high]**", "Score: [high]")),
        *(("very_bad very_good", text, 1) for text in ("very_good", "_very_good_", "very_good, not very_bad")),
    ],
)
def test_a_grade_may_have_marks_of_its_own(grades: str, text: str, grade: int | None) -> None:
    assert counted(text, grades.split()) == grade


class Saying(Stub):
    """Overrides answers to questions about pictures, or at first contact."""

    def __init__(self, status: int, body: object = None, pictured: bool = True, of: str = "") -> None:
        super().__init__()
        self.status, self.body, self.wanted, self.of, self.turned = status, body, pictured, of, 0

    def complete(self, body: dict[str, Any]) -> web.Response:
        text = json.dumps(body)
        if ("image_url" in text) == self.wanted and self.of in text:
            self.turned += 1
            return web.json_response(self.body or {}, status=self.status)
        return super().complete(body)


def test_one_flagged_input_is_a_refusal_and_the_key_stays_good() -> None:
    with running(server := Saying(403, {"error": {"message": "flagged: a ball 2"}}, of="a ball 2\\n")) as address:
        found = ratings(judge(address), questions(8), SCALE, 0.5)
    assert [rating.reason for rating in found] == [None] * 4 + ["the server refused the question (HTTP 403)"] * 2 + [None] * 2
    assert server.turned == 2


def test_at_first_contact_a_403_is_the_keys() -> None:
    with running(Saying(403, pictured=False)) as address, pytest.raises(JudgeError, match=names("params.yaml", "judges.x.key")):
        judge(address)


@pytest.mark.parametrize("pictured", [True, False], ids=["at a question", "at first contact"])
@pytest.mark.parametrize(
    ("status", "error"),
    [
        (429, {"code": "insufficient_quota", "type": "insufficient_quota", "message": "secret prompt"}),
        (429, {"code": None, "type": "billing_not_active"}),
        (402, {"message": "Insufficient Balance"}),
        (402, None),
    ],
)
def test_an_empty_account_stops_at_the_first_question(status: int, error: object, pictured: bool) -> None:
    empty = names("params.yaml: judges.x.key", "credit", f"HTTP {status}")
    with running(server := Saying(status, {"error": error}, pictured)) as address, pytest.raises(JudgeError, match=empty) as said:
        ratings(judge(address, concurrency=1), questions(8), SCALE, 0.5)
    assert server.turned == 1 and "secret" not in str(said.value)


def test_a_plain_rate_limit_is_waited_for() -> None:
    class Busy(Saying):
        def complete(self, body: dict[str, Any]) -> web.Response:
            self.of = "never" if self.turned else ""
            return super().complete(body)

    with running(Busy(429, {"error": {"code": "rate_limit_exceeded"}}, pictured=False)) as address:
        assert all(rating.p for rating in ratings(judge(address), questions(4), SCALE, 0.5))


@pytest.fixture
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return monkeypatch


FAR = "https://judge.invalid"
"""No server has a name like this."""


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("ALL_PROXY", "socks5://127.0.0.1:9", "ALL_PROXY"),
        ("ALL_PROXY", "gopher://127.0.0.1:9", "ALL_PROXY is no proxy's address"),
        ("HTTPS_PROXY", "http://proxy:abc", "HTTPS_PROXY is no proxy's address"),
        ("Https_Proxy", "socks5://127.0.0.1:9", "Https_Proxy names a SOCKS proxy"),
        ("HTTPS_PROXY", "http://127.0.0.1:9", "no connection through the proxy that HTTPS_PROXY names"),
        ("https_proxy", "http://127.0.0.1:9", "no connection through the proxy that https_proxy names"),
        ("SSL_CERT_FILE", "/nowhere/certificates.pem", "SSL_CERT_FILE holds no certificates that can be read (No such file"),
        ("SSL_CERT_FILE", str(Path(__file__)), "SSL_CERT_FILE holds no certificates that can be read"),
    ],
)
def test_what_the_environment_spoils_is_one_line_that_names_the_variable(
    name: str, value: str, said: str, no_proxy: pytest.MonkeyPatch
) -> None:
    no_proxy.setenv(name, value)
    with pytest.raises(JudgeError, match=r"^params\.yaml: judges\.x\.endpoints: https://judge\.invalid/v1: ") as failed:
        judge(FAR, retries=0)
    assert said in str(failed.value) and len(str(failed.value).splitlines()) == 1


def test_an_unknown_name_is_told(no_proxy: pytest.MonkeyPatch) -> None:
    with pytest.raises(JudgeError, match=names("params.yaml", "judges.x.endpoints", "name")):
        judge(FAR, retries=0)
    assert no_proxy


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://127.0.0.1:9", "gopher://x"])
def test_this_machine_is_reached_without_a_proxy(proxy: str, no_proxy: pytest.MonkeyPatch) -> None:
    no_proxy.setenv("ALL_PROXY", proxy)
    no_proxy.setenv("HTTP_PROXY", proxy)
    with running(Stub()) as address:
        assert all(rating.p for rating in ratings(judge(address), questions(2), SCALE, 0.5))


@pytest.mark.parametrize("proxy", ["http://127.0.0.1:9", "socks5://127.0.0.1:9", "gopher://x"])
def test_no_proxy_stands_before_this_machine_over_tls_either(proxy: str, no_proxy: pytest.MonkeyPatch) -> None:
    no_proxy.setenv("ALL_PROXY", proxy)
    with pytest.raises(JudgeError, match=names("params.yaml", "judges.x.endpoints", "no connection")):
        judge("https://127.0.0.1:9", retries=0)


def test_what_is_meant_for_openai_goes_to_no_other_server(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: Counter[str] = Counter()

    class Listening(Stub):
        async def handle(self, request: web.Request) -> web.StreamResponse:
            heard.update(f"{name}: {value}" for name, value in request.headers.items())
            return await super().handle(request)

    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID", "OPENAI_ADMIN_KEY", "OPENAI_API_KEY"):
        monkeypatch.setenv(name, "meant-for-openai")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", "X-Mine: meant-for-openai")
    with running(Listening()) as address:
        ratings(judge(address), questions(2), SCALE, 0.5)
    assert heard and not [line for line in heard if "meant-for-openai" in line or line.startswith("OpenAI-")]


class Catalogue(Stub):
    """Overrides the model list."""

    def __init__(self, status: int = 200, body: object = None, text: str | None = None) -> None:
        super().__init__()
        self.status, self.body, self.text = status, body, text

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.path != "/v1/models":
            return await super().handle(request)
        if self.text is not None:
            return web.Response(text=self.text, content_type="text/html", status=self.status)
        return web.json_response(self.body, status=self.status)


@pytest.mark.parametrize(
    "catalogue",
    [Catalogue(404), Catalogue(405), Catalogue(501), Catalogue(body={"data": []}), Catalogue(body=[])],
    ids=["404", "405", "501", "an empty list", "a bare empty list"],
)
def test_a_server_that_lists_no_models_is_asked_for_the_named_one(catalogue: Catalogue) -> None:
    with running(catalogue) as address:
        asked_for_the_named_one(address)
        with pytest.raises(JudgeError, match=names("params.yaml", "judges.x.model", "http://")):
            judge(address)


def asked_for_the_named_one(address: str) -> None:
    assert all(rating.p for rating in ratings(judge(address, model="stub"), questions(2), SCALE, 0.5))


@pytest.mark.parametrize(
    "catalogue",
    [Catalogue(400), Catalogue(403), Catalogue(text="<html>Welcome</html>"), Catalogue(body={"models": 3}), Catalogue(body={"data": None})],
    ids=["400", "403", "a page", "another shape", "nothing"],
)
def test_what_a_server_says_of_its_models_counts_only_where_none_is_named(catalogue: Catalogue) -> None:
    with running(catalogue) as address:
        asked_for_the_named_one(address)
        with pytest.raises(JudgeError, match=r"judges\.x\."):
            judge(address)


class Silent(Stub):
    """Fails every question, in one of many ways."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__()
        self.status, self.text = status, text

    def complete(self, _: dict[str, Any]) -> web.Response:
        kind = "application/json" if self.text.startswith("{") else "text/html"
        return web.Response(text=self.text, content_type=kind, status=self.status)


@pytest.mark.parametrize("samples", [None, 4], ids=["logprobs", "sampled"])
@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (404, '{"error": {"message": "The model does not exist"}}', "HTTP 404"),
        (404, "<html>Not found</html>", "HTTP 404"),
        (200, "<html>Please log in</html>", "an answer of another shape"),
        (200, '{"choices": []}', "an answer of another shape"),
        (413, "{}", "HTTP 413"),
    ],
)
def test_a_server_that_answers_no_question_is_told_at_the_first(status: int, text: str, said: str, samples: int | None) -> None:
    with running(Silent(status, text)) as address, pytest.raises(JudgeError) as failed:
        judge(address, model="stub", samples=samples)
    assert f"/v1/: {said} where stub was asked a first question; correct the address, or the model's name" in str(failed.value)


def test_a_bare_list_of_models_is_read() -> None:
    with running(Catalogue(body=[{"id": "stub"}])) as address:
        assert judge(address).model == "stub"
    with (
        running(Catalogue(body=[{"id": "a"}, {"id": "b"}])) as address,
        pytest.raises(JudgeError, match=names("params.yaml", "judges.x.model", "a, b")),
    ):
        judge(address)


@pytest.mark.parametrize(
    ("catalogue", "said"),
    [
        (Catalogue(401), "the server does not accept the key"),
        (Catalogue(403), "the server does not accept the key"),
        (Catalogue(400), "HTTP 400; correct the address"),
        (Catalogue(407), "HTTP 407: a proxy leads to a proxy that asks for a login"),
        (Catalogue(500), "HTTP 500; look at its log"),
        (Catalogue(text="<html>Please log in</html>"), "an answer of another shape; is this another server's address, or a proxy's?"),
        (Catalogue(body={"models": 3}), "an answer of another shape"),
    ],
    ids=["401", "403", "400", "407", "500", "a page", "another shape"],
)
def test_what_is_wrong_at_the_first_contact_is_told_as_it_is(catalogue: Catalogue, said: str) -> None:
    with running(catalogue) as address, pytest.raises(JudgeError) as failed:
        judge(address, retries=0)
    assert said in str(failed.value) and "start the server" not in str(failed.value)


@pytest.mark.parametrize("key", ["two words", "broken\nline", "schlüssel"])
def test_a_key_that_cannot_be_one_is_told_before_it_is_sent(key: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_KEY", key)
    with pytest.raises(JudgeError, match=names("params.yaml", "judges.x.key", "JUDGE_KEY", "blank")) as failed:
        judge("http://127.0.0.1:9", key="JUDGE_KEY")
    assert key not in str(failed.value)


class Older(Stub):
    """Supports `max_tokens` only; ignores or rejects parameters it does not know."""

    def __init__(self, strict: bool, knows: tuple[str, ...]) -> None:
        super().__init__(knows)
        self.strict, self.limits = strict, Counter[str]()

    def complete(self, body: dict[str, Any]) -> web.Response:
        if "image_url" in json.dumps(body):
            self.limits.update(name for name in body if name.startswith("max_"))
        if self.strict and "max_completion_tokens" in body:
            return web.json_response({"error": {"message": "Unrecognized request argument: max_completion_tokens"}}, status=400)
        self.tokens = body.get("max_tokens", 900)
        return super().complete(body)

    def said(self, choices: list[dict[str, Any]]) -> web.Response:  # type: ignore[override]
        answer = json.loads(str(Stub.said(choices).text))
        return web.json_response(answer | {"usage": {"prompt_tokens": 50, "completion_tokens": self.tokens, "total_tokens": 950}})


@pytest.mark.parametrize("strict", [False, True], ids=["it writes an essay", "it refuses"])
@pytest.mark.parametrize("samples", [None, 4], ids=["logprobs", "sampled"])
def test_a_server_that_knows_the_older_limit_is_sent_that(strict: bool, samples: int | None) -> None:
    with running(older := Older(strict, () if samples else ("logprobs",))) as address:
        found = ratings(judge(address, samples=samples), questions(4), SCALE, 1.0)
    assert all(rating.reason is None for rating in found)
    assert set(older.limits) == {"max_tokens"}


@pytest.mark.parametrize(("samples", "probes"), [(None, 1), (4, 1)])
def test_the_first_contact_costs_one_question(samples: int | None, probes: int) -> None:
    with running(server := Stub(knows=() if samples else ("tokenize", "logprob_token_ids", "logprobs"))) as address:
        judge(address, samples=samples)
    assert sum(server.asked.values()) == probes


HOLDS = "a wall with the words <|image_pad|> on it"


def test_a_reserved_word_is_refused_for_good_where_the_judges_tokenizer_lies_here(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = [Question(factories.png(1), text, "rubric") for text in ("a ball", HOLDS, "a box <|nothing|>")]
    weights = params.load().judges["tiny"].needs
    with running(Stub()) as address:
        monkeypatch.setattr(served, "reserved", lambda _: reserved(Path(weights)))
        said = dict((one := judge(address)).ask(asked, labels(SCALE, one.encode)))
    assert said[1] == Refusal("the text holds '<|image_pad|>', a word that the judge reserves; write it otherwise", final=True)
    assert isinstance(said[0], Answer) and isinstance(said[2], Answer)


def test_a_reserved_word_is_found_by_the_servers_own_tokenizer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(servers.WORDS, "<|image_pad|>", 7)
    asked = [Question(factories.png(1), text, "rubric") for text in (HOLDS, "a box <|nothing|>")]
    with running(Stub()) as address:
        said = dict((one := judge(address)).ask(asked, labels(SCALE, one.encode)))
    assert isinstance(said[0], Refusal) and said[0].final and "'<|image_pad|>'" in said[0].reason
    assert isinstance(said[1], Answer)
