"""Failure budget: stops a run when too many questions have no score."""

from collections import Counter
from collections.abc import Iterable

from trig.errors import JudgeError
from trig.judge.rating import rate
from trig.params.judge import Judging
from trig.protocols.judge import Answer
from trig.protocols.refusal import Refusal


class Budget:
    """Counts the reasons of unscored questions, refused or off-grade, against `judge.max_failures`."""

    def __init__(self, settings: Judging) -> None:
        self._settings = settings
        self._reasons = Counter[str]()

    def spend(self, results: Iterable[Answer | Refusal]) -> None:
        """Counts the results without a score. Raises JudgeError when there are more than `judge.max_failures` in all."""
        settings = self._settings
        ratings = (rate(result, settings.max_off_mass, settings.scale) for result in results)
        self._reasons.update(rating.reason for rating in ratings if rating.reason)
        if self._reasons.total() > settings.max_failures:
            ((reason, count),) = self._reasons.most_common(1)
            raise JudgeError(
                f"params.yaml: judge.max_failures: more than {settings.max_failures} questions have no score ({count}: {reason});"
                f" mend that and run again, or raise it: what was answered is kept"
            )
