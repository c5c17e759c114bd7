"""A question that nobody answered, as a value."""

from dataclasses import dataclass

from trig.protocols.refusal import Refusal


@dataclass(frozen=True, slots=True)
class Unanswered(Refusal):
    """Why there is no answer after all tries: timeouts, overload, no connection. Another run may get one."""
