"""Workers on a Ray cluster, or on this machine by Ray: an actor for each GPU, or for each core asked for where there is no GPU."""

import logging
import os
from concurrent.futures import Future
from typing import Any

from trig.backends.executors.desk import Desk
from trig.errors import ExecutorError

ADDRESS = "RAY_ADDRESS"
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
if ADDRESS not in os.environ:
    os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")  # one machine: Ray listens on the loopback address only

try:
    import ray
    from ray import exceptions
except ImportError as missing:
    raise ExecutorError(
        f"params.yaml: executor: 'ray' is not installed here ({missing}); run `pip install 'trig[ray]'`, or set local"
    ) from None


class Ray:
    """Satisfies `Site`. `size` None: every GPU of the cluster."""

    lost: tuple[type[Exception], ...] = (
        exceptions.NodeDiedError,
        exceptions.ObjectLostError,
        exceptions.OutOfMemoryError,
        exceptions.RayActorError,
        exceptions.WorkerCrashedError,
    )

    def __init__(self, size: int | None, section: str) -> None:
        connect(section)
        there: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        gpus = int(there.get("GPU", 0))
        if not (size or gpus):
            raise ExecutorError(
                f"params.yaml: {section}.devices: the Ray cluster has no GPU; give the number of workers that share its cores"
            )
        self.size = size or gpus
        self.needs = {"num_gpus": 1} if gpus else {"num_cpus": 1}

    def hire(self, _: int, /) -> "Actor":
        """Start an actor. It waits, without a device, until one is free."""
        return Actor(self.needs)


class Actor:
    """A Ray actor, started anew by the crew and not by Ray. Satisfies `Worker`."""

    def __init__(self, needs: dict[str, int]) -> None:
        desk: Any = ray.remote(Desk)
        self.actor = desk.options(max_restarts=0, max_task_retries=0, **needs).remote()

    def call(self, method: str, *arguments: Any) -> Future[Any]:
        """Call a method of the desk."""
        future: Future[Any] = self.actor.call.remote(method, *arguments).future()
        return future

    def end(self, idle: bool = False) -> None:  # noqa: ARG002 - Ray clears up after both
        """Kill the actor."""
        ray.kill(self.actor)


def connect(section: str) -> None:
    """Join the cluster that RAY_ADDRESS names, or start Ray on this machine. Once per process; the address is not repeated in messages."""
    if ray.is_initialized():
        return
    there = os.environ.get(ADDRESS, "local")
    if there.startswith("ray://"):
        raise ExecutorError(
            f"environment: {ADDRESS}: Ray Client is not supported; run on a node of the cluster and give its host:port, or auto"
        )
    alone: dict[str, Any] = {"include_dashboard": False} if there == "local" else {}
    try:
        ray.init(address=there, log_to_driver=False, logging_level=logging.ERROR, **alone)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ExecutorError(
            f"params.yaml: {section}.executor: Ray cannot be reached or started ({type(error).__name__});"
            f" check {ADDRESS} and `ray status`, and that all nodes have one version of Ray and Python, and one token"
        ) from error


def leave() -> None:
    """Leave the cluster; Ray that was started here ends."""
    ray.shutdown()
