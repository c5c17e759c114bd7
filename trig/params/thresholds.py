"""The section `thresholds`."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from trig.params.section import Section
from trig.params.values import Points, Share, at_most

Correlation = Literal["spearman", "pearson", "kendall"]


class Thresholds(Section):
    """Decision thresholds between relations (paper, section 3.3), and of the statistical evidence for them."""

    rule: Literal["paper", "reference"]
    score: Literal["score_trig", "expected"]
    correlation: Correlation  # coefficient rho of the dispersion rule
    synergy: Share  # θ_s: both scores at least this are in R_S
    bottleneck: Share  # θ_b: both scores at most this are in R_B
    synergy_density: Annotated[float, Field(gt=0, le=1)]  # δ_s
    bottleneck_density: Annotated[float, Field(gt=0, le=1)]  # δ_b
    tilt_ratio: Annotated[float, Field(ge=1), at_most(1_000_000, "no pair has so many prompts")]  # τ_d
    dispersion_corr: Annotated[float, Field(ge=-1, le=1)]  # δ_t
    min_points: Points  # minimum prompts of a verdict, and of its regression line
    bootstraps: Annotated[
        int, Field(ge=0), at_most(100_000, "intervals do not move any more, and resamples are in memory together")
    ]  # bootstrap resamples of the prompts; 0: no evidence
    permutations: Annotated[
        int, Field(ge=20), at_most(10_000, "p-values do not move any more, and shuffles are in memory together")
    ]  # permutations of one side, for the null distribution of tilts
    supported_stability: Annotated[float, Field(ge=0.5, le=1)]  # minimum share of bootstrap resamples with the same verdict
    fdr: Annotated[float, Field(gt=0, lt=1)]  # false discovery rate (Benjamini–Hochberg) of supported relations
    enough_points: Points  # minimum clusters (root prompts with copies, edits and seeds); with fewer, evidence is weak at best

    @model_validator(mode="after")
    def _apart(self) -> Self:
        if self.bottleneck >= self.synergy:
            raise ValueError(f"bottleneck ({self.bottleneck}) must be below synergy ({self.synergy}): the two regions may not meet")
        return self


class Limits(Section):
    """Limits of the rule where the map decides what is done. They are apart from `thresholds`, whose study changes no picture."""

    rule: Literal["paper", "reference"]
    score: Literal["score_trig", "expected"]
    correlation: Correlation
    synergy: Share
    bottleneck: Share
    synergy_density: Annotated[float, Field(gt=0, le=1)]
    bottleneck_density: Annotated[float, Field(gt=0, le=1)]
    tilt_ratio: Annotated[float, Field(ge=1), at_most(1_000_000, "no pair has so many prompts")]
    dispersion_corr: Annotated[float, Field(ge=-1, le=1)]
    min_points: Points

    @property
    def thresholds(self) -> Thresholds:
        """The same for the rule, which then looks for no evidence."""
        evidence = {"bootstraps": 0, "permutations": 20, "supported_stability": 1.0, "fdr": 0.05, "enough_points": 1}
        return Thresholds.model_validate({**self.model_dump(), **evidence})
