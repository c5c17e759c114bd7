"""Best-of-N, the control: of each test prompt as many seeds are painted as the budget pays for, and the judge chooses one.

The judge that chooses also reports, so the score of the chosen picture is too high by what the judge errs: `CHOSEN` is told wherever it stands.
"""

import polars as pl

from trig.errors import ParamsError
from trig.prompting.measured import PICTURE, Ledger, Measure
from trig.tables.prompts import numbered, split
from trig.vocabulary.dimensions import Pair

CHOSEN = "chosen by the judge that reports"
DRAW = ":draw"
"""Before the number of a draw, in the data_id of its picture."""


def draws(prompts: pl.DataFrame, budget: int, seeds: int) -> int:
    """Seeds of each picture of the run: its own, and the further ones that the budget pays for."""
    pictures = split(prompts, "test")["key"].n_unique() * seeds
    found = 1 + budget // max(1, pictures)
    if found == 1:
        raise ParamsError(
            f"params.yaml: prompting.budget: {budget} pictures are fewer than the {pictures} of the test prompts, so there is none to choose from;"
            f" raise it, or lower annotate.per_subset"
        )
    return found


def best(prompts: pl.DataFrame, measure: Measure, budget: int, seeds: int, column: str) -> tuple[pl.DataFrame, Ledger]:
    """Test prompts by number with `noise`, the number whose picture has the highest mean score on the pair; and what was paid for."""
    many = draws(prompts, budget, seeds)
    own = numbered(split(prompts, "test"), seeds).join(
        pl.select(draw=pl.int_range(many, dtype=pl.Int32)), how="cross", maintain_order="left_right"
    )
    drawn = own.with_columns(noise=pl.col("number") + pl.col("draw") * seeds, noise_key="key", painted="prompt")
    named = pl.format("{}{}{}", "data_id", pl.lit(DRAW), "draw")
    rows = drawn.with_columns(data_id=named)
    ledger = Ledger(rows.height, set())
    ledger.pay(rows)
    means = _means(measure(rows), column)
    found = drawn.with_columns(named=named).join(
        means, left_on=["task", "named", "number"], right_on=PICTURE, how="left", maintain_order="left"
    )
    ordered = found.with_columns(pl.col("mean").fill_null(-1.0)).sort("mean", descending=True, maintain_order=True)
    chosen = ordered.unique(PICTURE, keep="first", maintain_order=True).select(*PICTURE, "noise")
    return numbered(split(prompts, "test"), seeds).join(chosen, on=PICTURE, how="left", maintain_order="left"), ledger


def _means(scores: pl.DataFrame, column: str) -> pl.DataFrame:
    """Mean score of each picture on the two dimensions of its pair; null where one is missing."""
    sides = {name: [Pair.parse(name).x.value, Pair.parse(name).y.value] for name in scores["pair"].cast(pl.String).unique()}
    of = pl.col("pair").cast(pl.String).replace_strict(sides, return_dtype=pl.List(pl.String))
    own = scores.filter(of.list.contains(pl.col("dimension").cast(pl.String)))
    both = pl.col(column).count() == 2
    return own.group_by(PICTURE).agg(mean=pl.when(both).then(pl.col(column).mean()))
