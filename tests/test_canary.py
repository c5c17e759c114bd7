"""Canary questions: a judge that changes is noticed, and no column mixes the answers of two."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from aiohttp import web
from lines import names
from served import judge as served
from test_ask import settings, shards

from trig import params
from trig.backends.judges import transformers
from trig.backends.judges.transformers import Transformers
from trig.errors import JudgeError
from trig.judge import canary
from trig.judge.cache import ANSWERS, REFUSALS, UNPROVEN
from trig.judge.canary import CANARIES, Canary, MovedError, questions
from trig.judge.labels import labels
from trig.judge.run import Painted, calls, judged
from trig.protocols.judge import Labels, Question
from trig.protocols.refusal import Refusal
from trig.scales import SCALES
from trig.store import Store
from trig.testing.glib import Glib
from trig.testing.servers import Stub, running

SCALE = SCALES["paper"]
PICTURES = 24


class Turning(Stub):
    """A server whose model is another one after so many questions, and a third when told so."""

    def __init__(self, after: int = 1000) -> None:
        super().__init__()
        self.after, self.other = after, False

    def complete(self, body: dict[str, Any]) -> web.Response:
        if self.other or self.pictured >= self.after:
            body["messages"][0]["content"][-1]["text"] += " (another model)"
        return super().complete(body)


@pytest.fixture
def store() -> Iterator[Store]:
    with Store.passing() as found:
        yield found


@pytest.fixture
def pictures(tmp_path: Path) -> Painted:
    return shards(tmp_path, PICTURES)


def run(pictures: Painted, address: str, store: Store) -> pl.DataFrame:
    return judged(pictures, served(address), store, settings(), lambda _, steps: deque(steps, 0), "x")


def kept(shelf: str, store: Store) -> int:
    return store.size()[shelf].rows if shelf in store.size() else 0


def test_a_server_that_changes_its_model_in_mid_run_is_noticed_and_nothing_of_it_is_kept(pictures: Painted, store: Store) -> None:
    stub = Turning(after=20)
    with running(stub) as address:
        with pytest.raises(JudgeError, match=names("params.yaml", "judges.tiny", "canary", "needs")):
            run(pictures, address, store)
        assert (kept(ANSWERS, store), kept(UNPROVEN, store)) == (0, 0)
        with pytest.raises(JudgeError, match="canary"):  # before anything is asked
            run(pictures, address, store)
        asked = stub.pictured
        stub.other, stub.after = False, 10_000
        rows = run(pictures, address, store)
    assert stub.pictured - asked == 2 * PICTURES + 2 * len(canary.ABOUT)
    with running(Stub()) as address, Store.passing() as other:
        assert rows.drop("canary_noise").equals(run(pictures, address, other).drop("canary_noise"))
    assert set(rows["canary_noise"]) == {0.0}


def test_a_long_run_is_checked_at_intervals_and_keeps_what_was_answered_before(
    pictures: Painted, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(canary, "EVERY_SECONDS", 0.0)
    monkeypatch.setattr(canary, "WINDOW", 1)
    with running(Turning(after=8 + 8 + 4 + 8)) as address, pytest.raises(JudgeError, match="canary"):
        run(pictures, address, store)
    assert kept(ANSWERS, store) == 8 and kept(UNPROVEN, store) == 0
    with running(Stub()) as right, Store.passing() as other:
        run(pictures, right, other)
        keys = [call.key for call in calls(pictures, served(right).revision, settings())]
        mine, theirs = store.get(ANSWERS, keys), other.get(ANSWERS, keys)
    assert len(mine) == 8 and mine.items() <= theirs.items()


def test_a_server_that_was_restarted_with_another_model_is_noticed_before_it_is_asked(pictures: Painted, store: Store) -> None:
    stub = Turning()
    with running(stub) as address:
        run(pictures, address, store)
        asked = stub.pictured
        run(pictures, address, store)  # everything is known: nothing is asked
        assert stub.pictured == asked
        stub.other = True
        for row in calls(pictures, served(address).revision, settings())[:2]:
            store.drop(ANSWERS, [row.key])
        with pytest.raises(JudgeError, match="canary"):
            run(pictures, address, store)
    assert stub.pictured == asked + len(canary.ABOUT)


def test_what_a_killed_run_answered_waits_for_the_next_check(pictures: Painted, store: Store) -> None:
    class Dying(Turning):
        def complete(self, body: dict[str, Any]) -> web.Response:
            return web.Response(status=401) if self.after <= self.pictured < 1000 else super().complete(body)

    dying = Dying(after=30)
    dying.other = False
    with running(dying) as address, pytest.raises(JudgeError):
        run(pictures, address, store)
    left = kept(UNPROVEN, store)
    assert left > 0 == kept(ANSWERS, store)
    whole = Turning()
    with running(whole) as address:
        run(pictures, address, store)
    assert whole.pictured == 2 * PICTURES - left + 2 * len(canary.ABOUT) + min(left, canary.AGAIN)
    assert (kept(ANSWERS, store), kept(UNPROVEN, store)) == (2 * PICTURES, 0)


@pytest.mark.parametrize("after", [8, 16, 24])
def test_a_judge_that_moved_before_a_kill_and_back_is_noticed(after: int, pictures: Painted, store: Store) -> None:
    """No check came in between: only the stopped run's last answers tell of it."""

    class Dying(Turning):
        def complete(self, body: dict[str, Any]) -> web.Response:
            return web.Response(status=401) if self.pictured >= 40 else super().complete(body)

    with running(Dying(after)) as address, pytest.raises(JudgeError):
        run(pictures, address, store)
    assert kept(UNPROVEN, store) > 0 == kept(ANSWERS, store)
    with running(Stub()) as address:
        with pytest.raises(MovedError, match=names("params.yaml", "judges.tiny", "stopped", "Run again")):
            run(pictures, address, store)
        assert (kept(ANSWERS, store), kept(UNPROVEN, store)) == (0, 0)
        rows = run(pictures, address, store)
    with running(Stub()) as address, Store.passing() as other:
        assert rows.drop("canary_noise").equals(run(pictures, address, other).drop("canary_noise"))


def test_a_final_refusal_of_a_judge_that_moved_is_not_kept(pictures: Painted, store: Store) -> None:
    class Moving(Glib):
        """Refuses for good, and answers otherwise, from the second round on."""

        rounds = 0

        def ask(self, questions: Any, labels: Labels) -> Any:
            self.rounds += 1
            asked = [Question(each.image, each.prompt, f"{each.rubric} {self.rounds > 9}") for each in questions]
            for place, given in super().ask(asked, labels):
                yield place, Refusal("too long", final=True) if self.rounds > 9 and place > len(canary.ABOUT) else given

    moving = Moving()
    Canary(moving, store, settings()).check(labels(SCALE, moving.encode))
    moving.rounds = 8  # the next check still finds the first judge
    with pytest.raises(MovedError):
        judged(pictures, moving, store, settings(), lambda _, steps: deque(steps, 0), "x")
    assert (kept(ANSWERS, store), kept(UNPROVEN, store), kept(REFUSALS, store)) == (0, 0, 0)


def test_first_answers_of_a_judge_in_use_are_not_pruned(store: Store) -> None:
    judge = Glib()
    Canary(judge, store, settings()).check(labels(SCALE, judge.encode))
    store._connection.execute("UPDATE rows SET used = used - 1000")
    Canary(judge, store, settings())
    store.prune(500)
    assert kept(CANARIES, store) == 1


def test_the_noise_floor_is_what_other_company_changes(store: Store) -> None:
    class Swayed(Glib):
        """Its answers depend on how many are asked together."""

        def ask(self, questions: Any, labels: Labels) -> Any:
            asked = list(questions)
            yield from super().ask([Question(each.image, each.prompt, f"{each.rubric} {len(asked)}") for each in asked], labels)

    swayed, known = Swayed(), settings()
    watch = Canary(swayed, store, known)
    assert watch.noise is None
    watch.check(labels(SCALE, swayed.encode))
    assert watch.noise and watch.noise > 0.05
    watch.check(labels(SCALE, swayed.encode))
    assert len(swayed.asked) == 3 * len(canary.ABOUT)


def test_a_judge_without_an_answer_to_any_canary_is_one_line(store: Store) -> None:
    with running(Stub()) as address:
        one = served(address, retries=0)
        broken = [Question(b"", question.prompt, question.rubric) for question in questions(SCALE.grades)]
        watch = Canary(one, store, settings())
        watch._questions = tuple(broken)
        with pytest.raises(JudgeError, match=names("params.yaml", "judges.tiny", "canary", "decoded")):
            watch.check(labels(SCALE, one.encode))
    assert kept(CANARIES, store) == 0


def test_the_tiny_judge_is_steady(store: Store) -> None:
    known = params.load()
    tiny = Transformers("tiny", known.judges["tiny"].needs, 64)
    watch, ids = Canary(tiny, store, known.judge), labels(SCALE, tiny.encode)
    watch.check(ids)
    assert watch.noise == 0.0
    watch.check(ids)


def test_a_check_interrupts_no_batch() -> None:
    """Else answers would depend on the time of day."""
    assert canary.WINDOW % transformers.TOGETHER == 0
