"""Loads the configured judge."""

from trig.params import Params
from trig.params.judge import LocalJudge
from trig.protocols.judge import Judge


def load(settings: Params, batch_size: int | None = None) -> Judge:
    """The judge named by `judge.name`; `batch_size` overrides `judge.batch_size`."""
    name, wanted = settings.judge.name, settings.judges[settings.judge.name]
    if isinstance(wanted, LocalJudge):
        from trig.backends.judges.transformers import Transformers

        return Transformers(name, wanted.weights, batch_size or settings.judge.batch_size, settings.judge.engine_in_key)
    from trig.backends.judges.openai import Served

    return Served(name, wanted, settings.judge.samples if settings.judge.mode == "sampled" else None)
