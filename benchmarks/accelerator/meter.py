"""Time, memory and utilisation of a device, and the arithmetic floor of a piece of work."""

import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import torch

Out = TypeVar("Out")
GB = 1e9
PEAKS = {"H200": 989e12, "H100 PCIe": 756e12, "H100": 989e12, "A100": 312e12, "B200": 2250e12, "L40S": 362e12, "L4": 121e12}
"""Dense bf16 operations a second of the makers' data sheets, by a part of the device's name; the first match counts."""
SIDE = 8192
"""Side of the square matrices of the measured rate on a GPU; on a CPU an eighth of it."""


@dataclass(frozen=True, slots=True)
class Row:
    """A measured line. `floor` and `matmul`: seconds an item over those of its matrix products alone, at the data sheet's and the measured rate."""

    part: str
    what: str
    batch: int
    unit: str  # of an item: picture, question, sample
    seconds: float  # an item
    floor: float | None = None
    matmul: float | None = None
    memory: float | None = None  # peak allocation in GB
    busy: float | None = None  # mean utilisation while it was measured, warm-up included, in per cent
    note: str = ""

    def plain(self) -> dict[str, object]:
        """As JSON."""
        return {**asdict(self), "per_second": 1 / self.seconds}


@dataclass
class Meter:
    """A device, its peak rate, and what watches it."""

    device: str
    small: bool
    rate: float | None = None  # bf16 operations a second of one large matrix product, once measured

    def __post_init__(self) -> None:
        self.cuda = self.device.startswith("cuda")
        self.name = torch.cuda.get_device_name(self.device) if self.cuda else "CPU"
        self.peak = next((peak for part, peak in PEAKS.items() if part in self.name), None) if self.cuda else None
        self.watch = Watch(f"GPU-{torch.cuda.get_device_properties(self.device).uuid}") if self.cuda else None

    def free(self) -> float:
        """Bytes of the device that are not in use; without a GPU unlimited."""
        return torch.cuda.mem_get_info(self.device)[0] if self.cuda else float("inf")

    def sync(self) -> None:
        """Waits for the device."""
        if self.cuda:
            torch.cuda.synchronize(self.device)

    def timed(self, work: Callable[[], Out]) -> tuple[float, Out]:
        """Seconds of a piece of work, the device's queue emptied before and after."""
        self.sync()
        start = time.perf_counter()
        out = work()
        self.sync()
        return time.perf_counter() - start, out

    def row(self, part: str, what: str, unit: str, batch: int, work: Callable[[], tuple[float, str]], flops: float) -> Row:
        """A line: `work` gives seconds an item and a note; `flops` are those of an item."""
        if self.cuda:
            torch.cuda.reset_peak_memory_stats(self.device)
        start = time.monotonic()
        seconds, note = work()
        busy = self.watch.mean(start, time.monotonic()) if self.watch else None
        memory = torch.cuda.max_memory_allocated(self.device) / GB if self.cuda else None
        floor, matmul = (seconds * rate / flops if rate else None for rate in (self.peak, self.rate))
        return Row(part, what, batch, unit, seconds, floor, matmul, memory, busy, note)

    def product(self) -> Iterator[Row]:
        """The rate of one large bf16 matrix product: what these kernels and clocks reach at best."""
        side = SIDE if self.cuda else SIDE // 8
        left, right = (torch.randn(side, side, dtype=torch.bfloat16, device=self.device) for _ in range(2))
        flops, times = 2.0 * side**3, 20 if self.cuda else 2

        def work() -> tuple[float, str]:
            for _ in range(2):
                left @ right
            seconds = self.timed(lambda: [left @ right for _ in range(times)])[0] / times
            self.rate = flops / seconds
            return seconds, f"{self.rate / 1e12:.1f} TFLOP/s"

        yield self.row("arithmetic", f"bf16 product of two {side} × {side} matrices", "product", 1, work, flops)


class Watch:
    """Samples what `nvidia-smi` tells of a GPU, in the background."""

    def __init__(self, gpu: str) -> None:
        self.seen: list[tuple[float, float]] = []
        self.program: subprocess.Popen[str] | None = None
        if tool := shutil.which("nvidia-smi"):
            query = [tool, "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "200", "-i", gpu]
            self.program = subprocess.Popen(query, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
            threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.program and self.program.stdout
        for line in self.program.stdout:
            if line.strip().isdigit():  # a driver that cannot tell says [N/A]
                self.seen.append((time.monotonic(), float(line)))

    def mean(self, start: float, end: float) -> float | None:
        """Mean utilisation of a span in per cent; None where it was too short to be sampled."""
        found = [busy for at, busy in self.seen if start <= at <= end]
        return sum(found) / len(found) if found else None

    def close(self) -> None:
        """Ends the program."""
        if self.program:
            self.program.terminate()
            self.program.wait()


def built(make: Callable[[], Any], device: str, dtype: torch.dtype = torch.bfloat16) -> Any:
    """A module with random weights, made on the device in its dtype: nothing passes through the memory of the host."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            return make().eval().requires_grad_(False)
    finally:
        torch.set_default_dtype(before)


def size(module: torch.nn.Module) -> int:
    """Parameters of a module."""
    return sum(each.numel() for each in module.parameters())
