"""Training loop: batches by step number, learning-rate schedule, EMA of the weights, resumable checkpoints."""

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
    """Training hyperparameters.

    The learning rate warms up over `warmup` steps, is constant, and decays to zero over the last `decay` fraction of the steps. `average` is the
    EMA decay, `clip` the maximum gradient norm. `compiled` (torch.compile) takes two minutes at the start and halves the time of a step; it needs a
    C++ compiler.
    """

    steps: int
    batch: int  # batch size in pictures or prompts
    learning_rate: float
    seed: int  # random seed
    compiled: bool = False
    warmup: int = 100
    decay: float = 0.25
    average: float = 0.998
    clip: float = 1.0
    save_every: int = 250

    def key(self, inputs: Sequence[Path]) -> str:
        """Checkpoint key: hyperparameters except the number of steps, and the bytes of the training data."""
        digests = [blake2b(path.read_bytes(), digest_size=16).hexdigest() for path in inputs]
        return content_key(course=replace(self, steps=0, compiled=False, save_every=0), inputs=digests)


@dataclass(frozen=True, slots=True)
class Step:
    """Report of one step."""

    number: int
    of: int
    losses: dict[str, float]


def device() -> torch.device:
    """CUDA device if available."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


@contextmanager
def half() -> Iterator[None]:
    """bfloat16 autocast where it is much faster: on GPUs and on CPUs with bfloat16 units."""
    kind = device().type
    quick = kind == "cuda" or torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported()
    with ExitStack() as stack:
        stack.enter_context(torch.autocast(kind, torch.bfloat16, enabled=quick))
        if kind == "cpu":  # backward pass of fused attention is the bottleneck there
            stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        yield


def rate(course: Course, step: int) -> float:
    """Learning rate of a step, counted from 0."""
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
    """Minimises the sum of `losses(step)`; afterwards the model holds the EMA weights.

    `losses` draws its batch from the step number and reads the files `inputs`, so a resumed run sees the same batches. The modules in `compiled`
    must be called with few distinct shapes: each is compiled separately. Raises WeightsError when the checkpoint has another key.
    """
    average = copy.deepcopy(model).requires_grad_(False)
    weights = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=course.learning_rate, betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    key = course.key(inputs)
    start = _resume(checkpoint, course, key, model, average, optimiser)
    if course.compiled:
        for part in compiled:
            part.compile(dynamic=False)
    with _denormals_flushed():
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


@contextmanager
def _denormals_flushed() -> Iterator[None]:
    """Denormals, which are slow to compute with, are zeros. A setting of the thread, and so of all libraries."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


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
    """Loads the checkpoint if there is one; returns the number of completed steps."""
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
