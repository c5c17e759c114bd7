"""What the published training set kept of its pictures."""

from collections.abc import Sequence

from trig.finetune.points import Points

PUBLISHED = {"D-K_D-A": 0.39, "IQ-R_TA-C": 0.70, "TA-R_TA-S": 0.48}
"""Share of its pictures that the published training set keeps, by pair: 232 of 600, 699 of about 999, 717 of 1,500."""


def beside(parts: Sequence[Points], kept: int) -> str:
    """The share of judged pictures that pass, beside what the published training set kept."""
    own, pairs = kept / max(sum(points.rows.height for points in parts), 1), {str(points.pair) for points in parts}
    said = {pair: PUBLISHED[pair] for pair in sorted(pairs)} if pairs <= PUBLISHED.keys() else PUBLISHED
    return f"{own:.0%}; published: {', '.join(f'{name} {share:.0%}' for name, share in said.items())}"
