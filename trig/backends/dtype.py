"""The numbers that a model computes in, as its entry says or as its device does fastest; told without loading torch where there is no GPU."""

from pathlib import Path

from trig.params.values import AnyDtype, Dtype

PROCESSOR, GPUS = Path("/proc/cpuinfo"), (Path("/dev/nvidiactl"), Path("/dev/kfd"))
"""Linux's description of the processor, and what a driver of GPUs shows."""
UNITS = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""Flags of processors, of x86 and of ARM, that multiply in bfloat16; others take it apart first, which is slower than float32."""


def computed(asked: AnyDtype, device: str | None = None) -> Dtype:
    """What is asked for; `auto` is bfloat16 where the device, or the one that `device` null stands for, multiplies in it, and float32 elsewhere."""
    if asked != "auto":
        return asked
    on_gpu = _gpu() if device != "cpu" and any(each.exists() for each in GPUS) else None
    return "bfloat16" if (_flagged() if on_gpu is None else on_gpu) else "float32"


def _gpu() -> bool | None:
    """Whether the GPU multiplies in bfloat16; None where torch finds no GPU."""
    import torch

    return torch.cuda.is_bf16_supported(including_emulation=False) if torch.cuda.is_available() else None


def _flagged() -> bool:
    try:
        told = PROCESSOR.read_text("utf-8", "replace")
    except OSError:
        return False
    lines = (line.partition(":") for line in told.splitlines())
    return any(UNITS & set(flags.split()) for name, _, flags in lines if name.strip().lower() in ("flags", "features"))
