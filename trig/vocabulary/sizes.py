"""Subset sizes of the published benchmark (arXiv 2507.22100, section 4)."""

from trig.vocabulary.dimensions import Pair, Task

_T2I_SIZES = {
    500: "IQ-R_IQ-A IQ-R_TA-C IQ-R_TA-R IQ-R_TA-S IQ-A_TA-C IQ-A_TA-R IQ-A_TA-S TA-C_TA-R TA-C_TA-S TA-R_TA-S",
    200: "IQ-R_R-B IQ-R_D-A IQ-O_D-A IQ-O_R-B IQ-A_D-A IQ-A_R-B TA-C_D-A TA-C_R-B TA-R_D-A TA-R_R-B TA-S_D-A TA-S_R-B D-K_D-A D-K_R-B",
}
_SIZE_OF = {Pair.parse(name): size for size, names in _T2I_SIZES.items() for name in names.split()}


def published_size(task: Task, pair: Pair) -> int:
    """Number of prompts in a published subset. For p2p and s2p 300 is the mean: only totals are published."""
    return _SIZE_OF.get(pair, 300) if task is Task.T2I else 300
