"""Opens what runs models: this process, a process for each device, or a Ray cluster."""

from trig.backends.executors.crew import Site
from trig.backends.executors.local import Local
from trig.errors import ExecutorError
from trig.params import Params
from trig.params.executing import Executing
from trig.protocols.generator import Executor, Generator
from trig.protocols.judge import Judge


def load(settings: Params, name: str, generator: Generator) -> Executor:
    """Runs the model of a name; `generator` is that model in this process."""
    where = settings.generate
    if where.here or not settings.model(name).COMPUTES:
        return Local(generator)
    from trig.backends.executors.painting import Painting, Spread

    return Spread(_site("generate", where), Painting(settings, name), where.worker_timeout, generator)


def judge(settings: Params, batch_size: int, window: int) -> Judge:
    """The judge of a run in several workers; see `judging.Spread`."""
    from trig.backends.executors.judging import Judging, Spread

    where = settings.judge
    return Spread(_site("judge", where), Judging(settings, batch_size), where.worker_timeout, window)


def _site(section: str, where: Executing) -> Site:
    """Raises ExecutorError where there are not so many devices."""
    wanted = where.devices if isinstance(where.devices, int) else None
    if where.executor == "ray":
        from trig.backends.executors.ray import Ray

        return Ray(wanted, section)
    from trig.backends.executors.processes import Processes, visible

    gpus = visible()
    if wanted is None and not gpus:
        raise ExecutorError(
            f"params.yaml: {section}.devices: 'all' GPUs are asked for, and there is none here; set null, or a number of processes"
        )
    if gpus and wanted and wanted > len(gpus):
        raise ExecutorError(f"params.yaml: {section}.devices: {wanted} is more than the {len(gpus)} GPUs here; lower it, or set all")
    return Processes(wanted or len(gpus), gpus)
