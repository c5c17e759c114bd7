"""Whatever selects or trains may not report."""

import pytest

from trig.errors import GateError
from trig.gates.scorers import Scorer, apart, demand_apart

JUDGE, EYE = Scorer("tiny", "a1"), Scorer("CLIP embedding of eye", "b2")


def test_another_scorer_may_report() -> None:
    assert apart([JUDGE], [EYE]).met
    demand_apart("tiny-dtm", [JUDGE], [EYE])


@pytest.mark.parametrize("same", [JUDGE, Scorer("tiny", "c3"), Scorer("another name", "a1")])
def test_one_of_the_same_name_or_the_same_weights_may_not(same: Scorer) -> None:
    found = apart([JUDGE], [EYE, same])
    assert (found.failing, found.looked_at) == (1, 2)
    with pytest.raises(GateError) as refused:
        demand_apart("tiny-dtm", [JUDGE], [EYE, same])
    line = str(refused.value)
    assert "\n" not in line and all(part in line for part in ("tiny-dtm", str(same), str(JUDGE)))


def test_a_scorer_is_counted_once_however_many_it_equals() -> None:
    assert apart([JUDGE, Scorer("other", "a1")], [JUDGE]).failing == 1


def test_someone_must_report() -> None:
    with pytest.raises(GateError, match="tiny-dtm: no scorer reports it"):
        demand_apart("tiny-dtm", [JUDGE], [])
