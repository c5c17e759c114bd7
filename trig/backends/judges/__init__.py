"""Opens a judge of the zoo."""

from typing import assert_never

from trig.params import Params
from trig.protocols.judge import Judge


def load(settings: Params, batch_size: int | None = None) -> Judge:
    """The judge that `judge.name` names; `batch_size` in place of `judge.batch_size`."""
    judge = settings.judge
    wanted = settings.judges[judge.name]
    match wanted.backend:
        case "transformers":
            from trig.backends.judges.transformers import TOGETHER, Transformers

            size = batch_size or judge.batch_size
            if judge.here:
                return Transformers(judge.name, wanted.weights, size, judge.engine_in_key, wanted.dtype, wanted.device_map)
            from trig.backends import executors

            return executors.judge(settings, size, TOGETHER * size)
        case "openai":
            from trig.backends.judges.openai import Served

            return Served(judge.name, wanted, judge.samples if judge.mode == "sampled" else None)
        case _:
            assert_never(wanted)
