"""What the relation of a pair asks of a prompt."""

from dataclasses import dataclass
from typing import Self

import polars as pl

from trig.vocabulary.about import ABOUT
from trig.vocabulary.dimensions import Dimension, Pair
from trig.vocabulary.relations import Relation


@dataclass(frozen=True, slots=True)
class Aim:
    """An instruction, and the figure of a picture that is to rise by it."""

    pair: Pair
    relation: Relation
    weak: Dimension  # with the lower mean

    @classmethod
    def of(cls, pair: Pair, relation: Relation, x: float, y: float) -> Self | None:
        """The aim of a relation, given the means of both dimensions; None where it asks for nothing."""
        known = relation not in (Relation.NONE, Relation.TOO_FEW)
        return cls(pair, relation, pair.x if x < y else pair.y) if known else None

    @property
    def strong(self) -> Dimension:
        """The dimension with the higher mean."""
        return self.pair.y if self.weak == self.pair.x else self.pair.x

    @property
    def raised(self) -> tuple[Dimension, ...]:
        """Dimensions that are to rise."""
        return (self.weak,) if self.relation is Relation.TILT else (self.pair.x, self.pair.y)

    @property
    def instruction(self) -> str:
        """The same in words."""
        weak, strong = ABOUT[self.weak].name, ABOUT[self.strong].name
        return {
            Relation.SYNERGY: f"{strong} and {weak} do well together: raise both.",
            Relation.BOTTLENECK: f"{strong} and {weak} fail together: lift the weakness that they share.",
            Relation.TILT: f"{strong} does better than {weak}: keep {strong}, and hold a floor under {weak}.",
            Relation.DISPERSION: f"{strong} and {weak} vary independently or against each other: make both steady, so that neither drops.",
        }[self.relation]

    @property
    def figure(self) -> pl.Expr:
        """Of a picture with the scores `x` and `y`: the weak one of a tilt, the lower of a dispersion, else the mean. Null without both."""
        x, y = pl.col("x"), pl.col("y")
        both = x.is_not_null() & y.is_not_null()
        if self.relation is Relation.TILT:
            found = x if self.weak == self.pair.x else y
        else:
            found = pl.min_horizontal(x, y) if self.relation is Relation.DISPERSION else (x + y) / 2
        return pl.when(both).then(found)
