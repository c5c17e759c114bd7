"""A whole benchmark by a language model behind a faulty server: every draft ends accepted or rejected with a reason, and nothing is asked twice."""

import json
import multiprocessing
import signal
import time
from collections import Counter
from hashlib import blake2b
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from aiohttp import web
from annotating import annotator, whole
from lines import names

from trig.annotate.benchmark import Benchmark
from trig.annotate.run import PATIENCE
from trig.errors import AnnotatorError
from trig.llm import endpoints
from trig.tables.rejected import CHECKS
from trig.testing.servers import running
from trig.testing.writers import Writer, text
from trig.vocabulary.about import ABOUT

AT_ONCE = 8
CODES = {about.name: dimension.value for dimension, about in ABOUT.items()}


class Author(Writer):
    """Writes plain sentences that hold both phrases, and reads its own prompts rightly."""

    def __init__(self, **how: Any) -> None:
        super().__init__(takes=("json_object",), faulty=True, slow=0.05, **how)
        self.about: dict[str, list[str]] = {}

    def answer(self, question: str) -> Any:
        """By what is asked for."""
        told = json.JSONDecoder().raw_decode(question, question.index("\n{") + 1)[0]
        if "phrases" in told:
            return {"first": True, "second": True}
        if "prompt" in told:
            first, second = self.about[told["prompt"]]
            return {"first": second, "second": first}
        prompt = self.sentence(told)
        self.about[prompt] = [CODES[each["aspect"]] for each in told["aspects"]]
        return {"prompt": prompt}

    @staticmethod
    def sentence(told: dict[str, Any]) -> str:
        """One that no other material gives."""
        number = int(blake2b(json.dumps(told).encode(), digest_size=3).hexdigest(), 16)
        thing = told.get("scene") or f"the {told.get('item', 'picture')} in the morning"
        phrases = " and ".join(each["phrase"] for each in told["aspects"] if each["phrase"])
        return f"Show {thing} next to house number {number}{', with ' if phrases else ''}{phrases}, on a quiet street."


class Ailing(Author):
    """Answers some questions with HTTP 503 while it is `ill`."""

    def __init__(self) -> None:
        super().__init__(seconds=0.002)
        self.ill, self.lost = True, set[str]()

    async def in_turn(self, body: dict[str, Any]) -> web.Response:
        if self.ill and blake2b(text(body).encode(), digest_size=1).digest()[0] < 8:
            self.lost.add(text(body))
            return web.Response(status=503)
        return await super().in_turn(body)


def annotate(address: str, root: Path, **changed: Any) -> Benchmark:
    """The stage's work, with the store in a folder."""
    return whole(annotator(address, concurrency=AT_ONCE, overrides={"json": "object"}, **changed), root)


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> tuple[Author, Benchmark]:
    """A run that nobody disturbs."""
    with running(server := Author()) as address:
        return server, annotate(address, tmp_path_factory.mktemp("quiet"))


def test_every_draft_is_accepted_or_rejected_with_its_reason(quiet: tuple[Author, Benchmark]) -> None:
    _, made = quiet
    assert made.prompts.group_by("task").len().sort("task")["len"].to_list() == [42, 45, 45]
    written = made.prompts.filter(pl.col("annotator") == "x: custom/stub")
    assert (
        written.group_by("task").len().sort("task")["len"].to_list()[1:] == [45, 45] and written["template"].null_count() == written.height
    )
    assert set(written["route"]) <= {"refine", "expand", "copy"} and {"refine", "expand"} <= set(written["route"])
    assert set(made.rejected["check"]) <= set(CHECKS) and "written" in set(made.rejected["check"])
    assert all(made.rejected["reason"]) and all(round_ < PATIENCE for round_ in made.rejected["round"])
    reasons = " ".join(made.rejected.filter(pl.col("check") == "written")["reason"])
    assert "the model refused the question" in reasons and "after a repair: " in reasons


def test_no_question_is_asked_twice_in_a_run(quiet: tuple[Author, Benchmark]) -> None:
    server, _ = quiet
    ways = Counter(server.dealt(body) for body in {text(body): body for body in server.bodies}.values())
    assert {"malformed", "refused", "slow", "blank", ""} == set(ways)
    assert sum(server.settled.values()) == ways.total() + ways["blank"] and max(server.settled.values()) == 2


def test_a_run_that_was_killed_ends_with_the_same_tables_and_asks_nothing_again(quiet: tuple[Author, Benchmark], tmp_path: Path) -> None:
    other, undisturbed = quiet
    with running(server := Author(seconds=0.005)) as address:
        for share in (0.2, 0.6):
            process = multiprocessing.get_context("spawn").Process(target=annotate, args=(address, tmp_path))
            process.start()
            while process.is_alive() and len(server.settled) < share * len(other.settled):
                time.sleep(0.002)
            process.kill()
            process.join()
            assert process.exitcode == -signal.SIGKILL
        found = annotate(address, tmp_path)
    assert found.prompts.equals(undisturbed.prompts) and found.rejected.equals(undisturbed.rejected)
    assert server.settled.keys() == other.settled.keys()
    assert sum(server.settled.values()) - sum(other.settled.values()) <= 2 * AT_ONCE, "only what was under way when the process was killed"


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoints, "FIRST_DELAY", 0.01)


@pytest.mark.usefixtures("_impatient")
def test_what_nobody_answered_is_no_result_and_the_next_run_asks_only_that(quiet: tuple[Author, Benchmark], tmp_path: Path) -> None:
    other, undisturbed = quiet
    with running(server := Ailing()) as address:
        with pytest.raises(AnnotatorError, match=names("params.yaml", "annotators.x.max_unanswered", "0 may", "HTTP 503")) as told:
            annotate(address, tmp_path, max_failures=100)
        assert server.lost and f"{len(server.lost)} questions have no answer" in str(told.value)
        before, server.ill = dict(server.settled), False
        found = annotate(address, tmp_path, max_failures=100)
    assert found.prompts.equals(undisturbed.prompts) and found.rejected.equals(undisturbed.rejected) and not found.unanswered
    assert before == {question: server.settled[question] for question in before}, "what was answered is not asked again"
    assert other.settled == {question: server.settled[question] for question in other.settled}


@pytest.mark.usefixtures("_impatient")
def test_as_many_questions_as_are_allowed_may_stay_without_an_answer(tmp_path: Path) -> None:
    with running(server := Ailing()) as address:
        made = annotate(address, tmp_path, max_failures=100, max_unanswered=100)
    assert len(made.unanswered) == len(server.lost) > 0 and any("questions have no answer" in note for note in made.notes())
    lost = made.rejected.filter(pl.col("reason").str.contains("no answer in 4 tries"))
    assert set(lost["check"]) <= {"written", "shown", "recovered"} and lost.height > 0
