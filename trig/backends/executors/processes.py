"""Workers on this machine: a process for each device."""

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from typing import Any

from trig.backends.executors.desk import Desk
from trig.memory import cores
from trig.processes import begin

VISIBLE, THREADS = "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS"
_desk = Desk()


class Processes:
    """Satisfies `Site`. `gpus`: the one that each worker sees; where there are none, workers share out the cores."""

    lost: tuple[type[Exception], ...] = (BrokenProcessPool,)

    def __init__(self, size: int, gpus: Sequence[str]) -> None:
        self.size, self.gpus = size, gpus

    def hire(self, number: int) -> "Process":
        """Start the process of a device."""
        share = os.environ.get(THREADS) or str(max(1, cores() // self.size))
        return Process({VISIBLE: self.gpus[number]} if self.gpus else {THREADS: share})


class Process:
    """A worker process, spawned. Satisfies `Worker`."""

    def __init__(self, environment: dict[str, str]) -> None:
        self.pool = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"), begin, (environment,))
        self.pid = self.pool.submit(os.getpid)

    def call(self, method: str, *arguments: Any) -> Future[Any]:
        """Call a method of the desk."""
        try:
            return self.pool.submit(_call, method, *arguments)
        except BrokenProcessPool as error:
            dead: Future[Any] = Future()
            dead.set_exception(error)
            return dead

    def end(self, idle: bool = False) -> None:
        """Kill the process, as a batch under way may take minutes; an idle one leaves."""
        with suppress(BrokenProcessPool):
            pid = None if idle else self.pid.result()
            for process in multiprocessing.active_children():
                if process.pid == pid:
                    process.kill()
        self.pool.shutdown(cancel_futures=True)


def visible() -> list[str]:
    """The GPUs of this machine that this process may use, as CUDA_VISIBLE_DEVICES names them."""
    import torch

    named = [name for name in os.environ.get(VISIBLE, "").split(",") if name]
    return named[: torch.cuda.device_count()] or [str(number) for number in range(torch.cuda.device_count())]


def _call(method: str, *arguments: Any) -> Any:
    return _desk.call(method, *arguments)
