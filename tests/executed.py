"""Generators that stand in on workers: what they do to a prompt is written in it, and every order they begin is a line of a file."""

import os
import signal
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from trig.backends.executors.painting import Painter
from trig.errors import WeightsError
from trig.protocols.generator import Order, Picture
from trig.protocols.refusal import Refusal


@dataclass
class Stub:
    """Satisfies `Generator`. `log`: a line per order, the process and the prompt."""

    log: Path
    revision: str = "stub"
    engine: str = "stub 1"
    seconds: float = 0.0

    def generate(self, orders: Sequence[Order]) -> list[Picture | Refusal]:
        with self.log.open("a") as file:
            file.writelines(f"{os.getpid()} {order.prompt}\n" for order in orders)
        time.sleep(self.seconds)
        return [self._one(order) for order in orders]

    def _one(self, order: Order) -> Picture | Refusal:
        if "kill" in order.prompt:
            os.kill(os.getpid(), signal.SIGKILL)
        if "fail" in order.prompt:
            raise ValueError(order.prompt)
        if "stop" in order.prompt:
            raise WeightsError("models.x: lacks what it needs")
        if "refuse" in order.prompt:
            return Refusal("flagged", final=True)
        return Picture(f"{order.prompt} {order.seed}".encode() + (order.source_image or b""))

    def begun(self) -> list[tuple[int, str]]:
        """Process and prompt of every order that was begun."""
        lines = self.log.read_text().splitlines() if self.log.exists() else []
        return [(int(pid), prompt) for pid, prompt in (line.split(" ", 1) for line in lines)]


@dataclass(frozen=True)
class Made:
    """Satisfies `Recipe`."""

    generator: Stub
    missing: str | None = None

    def load(self) -> Painter:
        if self.missing:
            __import__(self.missing)
        return Painter(self.generator)
