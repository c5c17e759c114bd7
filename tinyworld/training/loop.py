"""The loop all trainers share: batches by step number, warm-up and decay, an average of the weights, checkpoints that survive a kill."""

import copy
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from trig.errors import WeightsError
from trig.keys import content_key


@dataclass(frozen=True, slots=True)
class Course:
    """How long and how fast a training goes.

    The learning rate rises over `warmup` steps, stays, and falls to zero over the last `decay` share of the steps. `average` is what the
    average of the weights keeps of itself in a step, `clip` the gradient's greatest norm. `compiled` trades two minutes at the start for
    steps in half the time; it needs a C++ compiler.
    """

    steps: int
    batch: int  # pictures or prompts per step
    learning_rate: float
    seed: int  # of everything random
    compiled: bool = False
    warmup: int = 100
    decay: float = 0.25
    average: float = 0.998
    clip: float = 1.0
    save_every: int = 250

    def key(self, inputs: Sequence[Path]) -> str:
        """Names what decides the steps before the rate falls: all numbers but their count, and the bytes of the files learnt from."""
        digests = [blake2b(path.read_bytes(), digest_size=16).hexdigest() for path in inputs]
        return content_key(course=replace(self, steps=0, compiled=False, save_every=0), inputs=digests)


@dataclass(frozen=True, slots=True)
class Step:
    """What one step reports."""

    number: int
    of: int
    losses: dict[str, float]


def device() -> torch.device:
    """A GPU when there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def half() -> Iterator[None]:
    """Matrix products in bfloat16 where the device multiplies them many times faster: on GPUs and on processors with AMX."""
    kind = device().type
    quick = kind == "cuda" or torch.cpu._is_amx_tile_supported()
    with ExitStack() as stack:
        stack.enter_context(torch.autocast(kind, torch.bfloat16, enabled=quick))
        if kind == "cpu":  # the fused attention's backward pass is the slowest part of a step there
            stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        yield


def rate(course: Course, step: int) -> float:
    """The learning rate of a step, counted from 0."""
    rise = min(1.0, (step + 1) / course.warmup)
    left = (course.steps - step) / max(1.0, course.decay * course.steps)
    return course.learning_rate * min(rise, left, 1.0)


def train(
    model: nn.Module,
    course: Course,
    losses: Callable[[int], dict[str, Tensor]],
    checkpoint: Path,
    inputs: Sequence[Path] = (),
    compiled: Sequence[nn.Module] = (),
) -> Iterator[Step]:
    """Minimises the sum of `losses(step)`; afterwards the model holds its averaged weights.

    `losses` draws its batch from the step's number and learns from the files `inputs`, so that a resumed run sees the batches it would have
    seen. The parts in `compiled` must be called with few different shapes: each is compiled on its own. Raises WeightsError when the
    checkpoint is of another course.
    """
    average = copy.deepcopy(model).requires_grad_(False)
    torch.set_flush_denormal(True)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=course.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    key = course.key(inputs)
    start = _resume(checkpoint, course, key, model, average, optimiser)
    if course.compiled:
        for part in compiled:
            part.compile(dynamic=False)
    for number in range(start, course.steps):
        for group in optimiser.param_groups:
            group["lr"] = rate(course, number)
        with half():
            parts = losses(number)
        optimiser.zero_grad(set_to_none=True)
        torch.stack([*parts.values()]).sum().backward()
        nn.utils.clip_grad_norm_(weights, course.clip)
        optimiser.step()
        _follow(average, model, min(course.average, (number + 1) / (number + 10)))
        if (number + 1) % course.save_every == 0 or number + 1 == course.steps:
            _save(checkpoint, model, average, optimiser, {"step": str(number + 1), "steps": str(course.steps), "key": key})
        yield Step(number + 1, course.steps, {name: float(part.detach()) for name, part in parts.items()})
    model.load_state_dict(average.state_dict())


@torch.no_grad()
def _follow(average: nn.Module, model: nn.Module, keep: float) -> None:
    for old, new in zip(average.parameters(), model.parameters(), strict=True):
        old.lerp_(new, 1 - keep)


def _save(path: Path, model: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer, about: dict[str, str]) -> None:
    tensors = {f"model.{name}": value for name, value in model.state_dict().items()}
    tensors |= {f"average.{name}": value for name, value in average.state_dict().items()}
    for index, state in optimiser.state_dict()["state"].items():
        tensors |= {f"optimiser.{index}.{name}": value for name, value in state.items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    save_file({name: value.detach().clone().contiguous() for name, value in tensors.items()}, part, metadata=about)
    part.replace(path)


def _resume(path: Path, course: Course, key: str, model: nn.Module, average: nn.Module, optimiser: torch.optim.Optimizer) -> int:
    """Takes over a checkpoint, if there is one; the number of steps done."""
    if not path.exists():
        return 0
    with safe_open(path, "pt") as file:
        about = file.metadata()
    if about.get("key") != key:
        raise WeightsError(f"{path}: this checkpoint is of another seed, batch, rate or input; delete it to train anew")
    step, steps = int(about["step"]), int(about["steps"])
    if steps != course.steps and step > (1 - course.decay) * min(steps, course.steps):
        raise WeightsError(
            f"{path}: the rate falls from step {round((1 - course.decay) * min(steps, course.steps))} on and this checkpoint is of step {step}:"
            f" too late to change {steps} steps into {course.steps}; keep {steps}, or delete it to train anew"
        )
    tensors = load_file(path)
    for prefix, module in (("model.", model), ("average.", average)):
        module.load_state_dict({name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)})
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        if name.startswith("optimiser."):
            _, index, field = name.split(".")
            state.setdefault(int(index), {})[field] = value
    optimiser.load_state_dict({"state": state, "param_groups": optimiser.state_dict()["param_groups"]})
    return step
