"""What the sections `generate` and `judge` share: where batches are computed. It decides how fast, and no byte of a result."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from trig.params.section import Section
from trig.params.values import at_most

MOST = 10_000


def _devices(given: object) -> object:
    """Validator with one message for the three kinds of value."""
    if given in ("all", None) or (isinstance(given, int) and not isinstance(given, bool) and 1 <= given <= MOST):
        return given
    raise ValueError(f"{given!r}: give null (this process), all (every GPU), or a number from 1 to {MOST:,}")


class Executing(Section):
    """Where batches are computed: in this process, in one per device, or on a cluster."""

    executor: Literal["local", "ray"]
    devices: Annotated[int | Literal["all"] | None, BeforeValidator(_devices)]
    worker_timeout: Annotated[
        float, Field(gt=0), at_most(604_800, "no batch takes a week")
    ]  # seconds a worker may take to load, and for a batch

    @property
    def here(self) -> bool:
        """Whether this process computes."""
        return self.executor == "local" and self.devices is None
