"""Which prompts each model paints: `scope` of its entry."""

import polars as pl
import pytest

from trig.gates import relations
from trig.gates.gx import look
from trig.params.models.entry import Scope
from trig.tables.prompts import scoped, split
from trig.testing import factories
from trig.vocabulary.dimensions import Pair, Task

SUBSETS = ((Task.T2I, Pair.parse("IQ-R_TA-C")), (Task.T2I, Pair.parse("TA-R_TA-S")), (Task.P2P, Pair.parse("IQ-R_TA-C")))
PROMPTS = factories.prompts(SUBSETS, per_subset=5, train=2)


def sizes(scope: Scope) -> dict[tuple[str, str, str], int]:
    """Prompts of each task, pair and split."""
    return {row[:3]: row[3] for row in scoped(PROMPTS, scope).group_by("task", "pair", "split").len().rows()}


def test_all_is_painted_unless_it_is_said() -> None:
    assert scoped(PROMPTS, Scope()).equals(PROMPTS)


def test_the_first_test_prompts_of_each_subset_and_all_train_prompts_of_its_tasks() -> None:
    found = scoped(PROMPTS, Scope(tasks=["t2i"], per_subset=3))
    assert sizes(Scope(tasks=["t2i"], per_subset=3)) == {
        ("t2i", str(pair), half): count for task, pair in SUBSETS if task is Task.T2I for half, count in (("test", 3), ("train", 2))
    }
    whole = split(PROMPTS, "test").filter(pl.col("task") == "t2i").group_by("pair", maintain_order=True).head(3)
    assert split(found, "test").select(pl.col("data_id").sort()).equals(whole.select(pl.col("data_id").sort()))


@pytest.mark.parametrize("told", ["t2i", "p2p"])
def test_the_gate_asks_each_model_for_its_own_subsets(told: str) -> None:
    own = {"wide": PROMPTS, "narrow": scoped(PROMPTS, Scope(tasks=["t2i"]))}
    made = [
        factories.relations(SUBSETS, models=["wide"]),
        factories.relations([each for each in SUBSETS if each[0] == told], models=["narrow"]),
    ]
    unmet = [one.says for one in look(relations.views(own, pl.concat(made), 1)) if not one.met]
    assert unmet == ([] if told == "t2i" else ["every model has exactly one relation for each subset with test prompts"])
