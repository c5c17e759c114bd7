"""Compute libraries and their versions, read without importing them."""

from importlib.metadata import version

PAINTERS = ("diffusers", "transformers", "torch")
JUDGES = ("transformers", "torch")


def engine(libraries: tuple[str, ...], adapter: bool = False) -> str:
    """Versions such as `diffusers 0.38.0, torch 2.13.0`; with an adapter also peft's."""
    return ", ".join(f"{name} {version(name)}" for name in (*libraries, *(("peft",) if adapter else ())))
