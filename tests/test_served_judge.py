"""Served judges under fault injection: answers are correct, and failures have a reason."""

import asyncio
import logging
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from math import exp
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import openai
import pytest
from aiohttp import web
from lines import names
from PIL import Image
from served import judge, judge_settings, questions

from trig.backends.judges.completions import read, request
from trig.errors import JudgeError, LabelError
from trig.judge.labels import labels
from trig.judge.rating import rate, ratings
from trig.llm import endpoints, images
from trig.llm.clients import Access
from trig.pictures import decoded
from trig.protocols.judge import Answer, Question
from trig.protocols.refusal import Refusal
from trig.scales import SCALES, Scale
from trig.testing import factories
from trig.testing.servers import Spoiler, Stub, running

SCALE = SCALES["paper"]
SOON, LATE = 0.4, 0.8
"""Client timeout behind a faulty proxy in seconds, and a delay beyond it."""


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "FIRST_DELAY", 0.01)
    monkeypatch.setattr(endpoints, "FIRST_REST", 0.01)
    monkeypatch.setattr(endpoints, "LONGEST_REST", 0.1)


@pytest.fixture
def stub() -> Iterator[tuple[Stub, str]]:
    server = Stub()
    with running(server) as address:
        yield server, address


def test_answers_are_those_of_the_tokens_that_mean_the_grades(stub: tuple[Stub, str]) -> None:
    one = judge(stub[1])
    assert labels(SCALE, one.encode).ids == ((1,), (2,), (3, 4))
    assert one.engine == "vllm 0.0.1"
    said = dict(one.ask(questions(4), labels(SCALE, one.encode)))
    answers = [answer for _, answer in sorted(said.items()) if isinstance(answer, Answer)]
    assert len(answers) == 4 and {(answer.mode, answer.tokens, answer.cached) for answer in answers} == {("exact", 50, 32)}
    assert [sum(map(exp, answer.logprobs)) for answer in answers] == pytest.approx([0.9] * 4)


def test_a_server_that_names_only_the_likeliest_tokens_is_read_by_their_words() -> None:
    exact = Stub()
    with running(exact) as address, running(Stub(knows=("logprobs",))) as plain:
        wanted = [rating.p for rating in ratings(judge(address), questions(6), SCALE, 0.5)]
        other = judge(plain)
        assert labels(SCALE, other.encode).ids is None
        assert {answer.mode for _, answer in other.ask(questions(2), labels(SCALE, other.encode)) if isinstance(answer, Answer)} == {"top"}
        assert [rating.p for rating in ratings(other, questions(6), SCALE, 0.5)] == [pytest.approx(p) for p in wanted]
        with pytest.raises(LabelError, match=names("params.yaml", "judge.scale", "'Good'", "'good'")):
            labels(Scale(("Bad", "Good", "good")), other.encode)


def test_a_server_that_knows_its_tokens_but_not_their_probabilities_is_asked_for_the_likeliest() -> None:
    with running(Stub(knows=("tokenize", "logprobs"))) as address:
        one = judge(address)
        assert one.encode("Good") == [3]
        assert {answer.mode for _, answer in one.ask(questions(3), labels(SCALE, one.encode)) if isinstance(answer, Answer)} == {"top"}


def test_a_server_that_tells_no_probabilities_is_used_only_when_answers_are_sampled() -> None:
    with running(Stub(knows=())) as address:
        with pytest.raises(JudgeError, match=names("params.yaml", "judges.x", "probabilities", "judge.mode")):
            judge(address)
        one = judge(address, samples=40)
        (rating, *_), (again, *_) = (ratings(one, questions(2), SCALE, 0.5) for _ in range(2))
        assert rating == again
        (answer, *_) = [said for _, said in one.ask(questions(2)[:1], labels(SCALE, one.encode)) if isinstance(said, Answer)]
    assert (answer.mode, answer.samples) == ("sampled", 40)
    assert rating.p is not None and rating.stderr is not None and rating.off_mass is not None
    graded = round(40 * (1 - rating.off_mass))
    scores = np.repeat([0.0, 0.5, 1.0], np.round(np.array(rating.p) * graded).astype(int))
    assert len(scores) == graded < 40
    assert rating.expected == pytest.approx(scores.mean())
    assert rating.stderr == pytest.approx(scores.std(ddof=1) / graded**0.5)


def test_the_reference_scale_is_the_released_scripts_arithmetic() -> None:
    reference = SCALES["reference"]
    top = {"good": -0.4, " good": -1.5, "Good": -2.5, "ex": -3.0, "Terrible": -4.0}
    told = SimpleNamespace(
        choices=[SimpleNamespace(logprobs=SimpleNamespace(content=[SimpleNamespace(top_logprobs=[
            SimpleNamespace(token=token, logprob=logprob) for token, logprob in top.items()
        ])]))]
    )  # fmt: skip
    rating = rate(read(told, labels(reference, lambda _: None), "top"), 1.0, reference)
    weight = {"good": 0.75, "Good": 0.75, "ex": 1.0}
    mass = {token: exp(top[token]) for token in weight}
    assert rating.expected == round(sum(weight[token] * share / (sum(mass.values()) + 1e-10) for token, share in mass.items()), 3)
    assert request("m", "text", [], labels(reference, lambda _: None), "top")["top_logprobs"] == 5


def test_what_lands_through_a_faulty_wire_is_what_was_sent(stub: tuple[Stub, str]) -> None:
    asked = questions(160)
    undisturbed = [rating.p for rating in ratings(judge(stub[1]), asked, SCALE, 0.5)]
    spoiler = Spoiler(stub[1], 0.3, LATE)
    with running(spoiler) as address:
        one = judge(address, timeout=SOON)
        said = list(one.ask(asked, labels(SCALE, one.encode)))
        assert sorted(place for place, _ in said) == list(range(160))
        through = ratings(one, asked, SCALE, 0.5)
    assert set(spoiler.spoilt) == {"", *Spoiler.WAYS}
    lost = [rating.reason for rating, wanted in zip(through, undisturbed, strict=True) if rating.p != wanted]
    assert len(lost) <= 2 and all("no answer in 9 tries" in str(reason) for reason in lost)


def test_nulls_come_only_where_the_tries_ran_out_and_say_what_happened(stub: tuple[Stub, str]) -> None:
    asked = questions(60)
    undisturbed = [rating.p for rating in ratings(judge(stub[1]), asked, SCALE, 0.5)]
    with running(Spoiler(stub[1], 0.6, LATE)) as address:
        found = ratings(judge(address, retries=1, timeout=SOON), asked, SCALE, 0.5)
    assert 0 < sum(rating.p is None for rating in found) < 60
    for rating, wanted in zip(found, undisturbed, strict=True):
        assert rating.p == wanted or (rating.p is None and "no answer in 2 tries; last: " in str(rating.reason))


def test_what_a_server_refuses_is_asked_once_in_a_run(stub: tuple[Stub, str]) -> None:
    server, address = stub
    one = judge(address)
    asked = [*questions(2), Question(factories.png(7), "refuse this, please", "rubric"), *questions(6)[4:]]
    said = dict(one.ask(asked, labels(SCALE, one.encode)))
    assert said[2] == Refusal("the server refused the question (HTTP 400)")
    assert [isinstance(said[place], Answer) for place in (0, 1, 3, 4)] == [True] * 4
    assert set(server.asked.values()) == {1}


def test_one_of_two_servers_dies_and_no_question_is_lost_or_answered_twice() -> None:
    asked = questions(200)
    steady, frail = Stub(), Stub()
    with ExitStack() as stack, running(steady) as address:
        other = stack.enter_context(running(frail))
        one = judge(address, other)
        said: list[int] = []
        for place, answer in one.ask(asked, labels(SCALE, one.encode)):
            assert isinstance(answer, Answer)
            said.append(place)
            if len(said) == 80:
                stack.close()
        assert sorted(said) == list(range(200))
        assert frail.asked and steady.asked


def test_a_server_that_comes_back_is_asked_again(stub: tuple[Stub, str]) -> None:
    reborn = Stub()
    with running(Stub()) as address:
        port = int(address.rpartition(":")[2])
        one = judge(address, stub[1])
    with ExitStack() as stack:
        seen = 0
        for place, answer in one.ask(questions(300), labels(SCALE, judge(stub[1]).encode)):
            assert isinstance(answer, Answer)
            seen += place >= 0
            if seen == 20:
                stack.enter_context(running(reborn, port))
            time.sleep(0.003)
        assert seen == 300
    assert reborn.asked


def test_of_two_servers_one_that_only_fails_costs_no_answer() -> None:
    class Sick(Stub):
        def complete(self, body: dict[str, Any]) -> web.Response:
            return web.Response(status=502) if "image_url" in str(body) else super().complete(body)

    with running(Stub()) as address, running(Sick()) as sick:
        assert all(rating.p for rating in ratings(judge(address, sick, retries=2), questions(200), SCALE, 0.5))


def test_a_grade_of_several_tokens_is_refused_where_only_its_beginning_is_told() -> None:
    with running(Stub(knows=("logprobs",))) as address:
        one = judge(address)
        with pytest.raises(LabelError, match=names("params.yaml", "judge.scale", "'mediumish'", "'Medium'")):
            ratings(one, questions(2), Scale(("Bad", "Mediumish", "Good")), 0.5)


def test_a_wire_that_fails_does_not_make_another_judge() -> None:
    class Fickle(Stub):
        broken = False

        async def handle(self, request: web.Request) -> web.StreamResponse:
            return web.Response(status=503) if self.broken else await super().handle(request)

    fickle = Fickle()
    with running(fickle) as address:
        one = judge(address, retries=0)
        fickle.broken = True
        with pytest.raises(JudgeError, match="HTTP 503"):
            labels(SCALE, one.encode)


def test_a_picture_is_decoded_once_for_all_its_questions(stub: tuple[Stub, str], monkeypatch: pytest.MonkeyPatch) -> None:
    seen: Counter[bytes] = Counter()

    def counted(file: bytes) -> Image.Image | Refusal:
        seen[file] += 1
        return decoded(file)

    monkeypatch.setattr(images, "decoded", counted)
    pictures = [factories.png(number) for number in range(30)]
    asked = [Question(picture, "a ball", f"rubric {number}") for picture in pictures for number in range(10)]
    assert all(rating.p for rating in ratings(judge(stub[1], concurrency=4), asked, SCALE, 0.5))
    assert set(seen) == set(pictures) and set(seen.values()) == {1}


def test_a_judge_that_is_not_asked_holds_no_connection() -> None:
    class Watched(Stub):
        lines: ClassVar[set[asyncio.BaseTransport | None]] = set()

        async def handle(self, request: web.Request) -> web.StreamResponse:
            self.lines.add(request.transport)
            return await super().handle(request)

    with running(Watched()) as address:
        one = judge(address)
        assert one.encode("Good") == [3]
        time.sleep(0.1)
        assert Watched.lines and all(line is None or line.is_closing() for line in Watched.lines)


def test_no_server_is_one_line() -> None:
    with pytest.raises(JudgeError, match=names("params.yaml", "judges.x.endpoints", "http://127.0.0.1:9/v1")):
        judge("http://127.0.0.1:9")


def test_a_wrong_key_is_one_line_without_the_key(monkeypatch: pytest.MonkeyPatch) -> None:
    with running(Stub(key="right-key")) as address:
        monkeypatch.setenv("JUDGE_KEY", "right-key")
        assert [rating.reason for rating in ratings(judge(address, key="JUDGE_KEY"), questions(2), SCALE, 0.5)] == [None, None]
        monkeypatch.setenv("JUDGE_KEY", "secret-key")
        with pytest.raises(JudgeError, match=names("params.yaml", "judges.x.key")) as told:
            judge(address, key="JUDGE_KEY")
        assert "secret-key" not in str(told.value)
        monkeypatch.delenv("JUDGE_KEY")
        with pytest.raises(JudgeError, match=names("params.yaml", "judges.x.key", "JUDGE_KEY")):
            judge(address, key="JUDGE_KEY")


def test_a_key_that_is_withdrawn_stops_the_run_at_the_first_question() -> None:
    class Locking(Stub):
        locked = 0

        def complete(self, body: dict[str, Any]) -> web.Response:
            if "image_url" not in str(body):
                return super().complete(body)
            self.locked += 1
            return web.Response(status=401)

    server = Locking()
    with running(server) as address, pytest.raises(JudgeError, match=names("params.yaml", "judges.x.key")):
        ratings(judge(address, concurrency=1), questions(20), SCALE, 0.5)
    assert server.locked == 1


def test_a_server_that_asks_to_wait_is_left_alone_for_so_long() -> None:
    class Busy(Stub):
        times: ClassVar[list[float]] = []

        def complete(self, body: dict[str, Any]) -> web.Response:
            if "image_url" not in str(body):
                return super().complete(body)
            self.times.append(time.monotonic())
            return web.Response(status=429, headers={"Retry-After": "0.4"}) if len(self.times) == 1 else super().complete(body)

    with running(Busy()) as address:
        assert all(rating.p for rating in ratings(judge(address, concurrency=1), questions(4), SCALE, 0.5))
    assert Busy.times[1] - Busy.times[0] >= 0.4 and len(Busy.times) == 5


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        ("0.25", 0.2, 0.25),
        (30, 28, 30),  # an HTTP date, in whole seconds
        (-30, 0, 0),
        ("100000", 119, 120),
        ("soon", 0, 0),
        (None, 0, 0),
    ],
)
def test_a_wait_may_be_given_in_seconds_or_as_a_date(said: str | int | None, least: float, most: float) -> None:
    header = format_datetime(datetime.now(UTC) + timedelta(seconds=said), usegmt=True) if isinstance(said, int) else said
    answer: Any = SimpleNamespace(status_code=429, headers={} if header is None else {"retry-after": header}, request=None)
    settings = judge_settings(["http://judge/v1"])
    endpoint = endpoints.Endpoint(settings.endpoints[0], Access.of("judges.x", settings, settings.endpoints, None, JudgeError, ()))
    before = time.monotonic()
    endpoint.failed(openai.RateLimitError("", response=answer, body=None))
    assert least <= max(0.0, endpoint.down_until - before) <= most + 0.1


def test_a_judge_whose_answers_begin_with_thinking_is_refused_in_one_line() -> None:
    class Pondering(Stub):
        @staticmethod
        def said(choices: list[dict[str, Any]]) -> web.Response:
            return Stub.said([{**choice, "message": {"role": "assistant", "content": "<think>"}} for choice in choices])

    with running(Pondering()) as address:
        with pytest.raises(JudgeError, match=names("params.yaml", "judges.x", "thinking")):
            judge(address)
        judge(address, samples=4)


def test_questions_about_a_picture_wait_for_the_answer_to_its_first_and_then_go_together() -> None:
    class Noting(Stub):
        async def in_turn(self, body: dict[str, Any]) -> web.Response:
            shown = body["messages"][0]["content"][0].get("image_url", {}).get("url", "")
            arrived.append((shown, answered[shown]))
            said = await super().in_turn(body)
            answered[shown] += 1
            return said

    arrived, answered = list[tuple[str, int]](), Counter[str]()
    asked = [Question(factories.png(number), "a ball", f"rubric {each}") for number in range(20) for each in range(5)]
    with running(Noting(seconds=0.01)) as address:
        one = judge(address, concurrency=4)
        arrived.clear()
        assert all(rating.p for rating in ratings(one, asked, SCALE, 0.5))
    assert len(arrived) == 100
    for picture in {shown for shown, _ in arrived}:
        places = [place for place, (shown, _) in enumerate(arrived) if shown == picture]
        assert arrived[places[0]][1] == 0 < min(arrived[place][1] for place in places[1:])
        assert places[-1] - places[0] < 40, "four are under way at a time, and few others come in between"


def test_neither_key_nor_prompt_reaches_a_log_or_a_reason(
    stub: tuple[Stub, str], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("JUDGE_KEY", "secret-key")
    caplog.set_level(logging.INFO)
    asked = [Question(factories.png(1), "vile words; refuse this", "rubric"), *questions(20)]
    with running(Spoiler(stub[1], 0.5, LATE)) as address:
        found = ratings(judge(address, key="JUDGE_KEY", retries=1, timeout=SOON), asked, SCALE, 0.5)
    told = caplog.text + "".join(str(rating.reason) for rating in found)
    assert "HTTP" in told
    assert "secret-key" not in told and "vile" not in told and "a ball" not in told


def test_a_full_server_is_asked_less_at_a_time() -> None:
    server = Stub(room=4, seconds=0.02)
    with running(server) as address:
        assert all(rating.p for rating in ratings(judge(address, retries=50, concurrency=64), questions(120), SCALE, 0.5))
    assert server.busiest <= 16


def test_memory_stays_flat(stub: tuple[Stub, str]) -> None:
    ran = subprocess.run([sys.executable, "-m", "benchmarks.growth", stub[1], "2000"], capture_output=True, text=True, check=True)
    assert float(ran.stdout) < 3, "MiB more after 2,000 questions than after 500: two KiB a question"
