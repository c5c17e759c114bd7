"""Painting as a chain of Gaussian steps, whose probabilities a policy gradient needs."""

from dataclasses import dataclass
from math import log, pi
from typing import Self

from torch import Tensor


@dataclass(frozen=True, slots=True)
class Move:
    """Where latents go in a step: normally distributed, each element independently."""

    mean: Tensor  # (B, …), float32
    std: float  # of every element; 0: the step is certain

    def taken(self, noise: Tensor) -> Tensor:
        """The latents after the step."""
        return self.mean + self.std * noise

    def log_prob(self, after: Tensor) -> Tensor:
        """Log-density of the latents after the step, (B,): the mean over elements, so that it does not grow with the size of a picture."""
        density = -((after - self.mean) ** 2) / (2 * self.std**2) - log(self.std) - log(2 * pi) / 2
        return density.flatten(1).mean(1)

    def divergence(self, other: Self) -> Tensor:
        """Kullback-Leibler divergence from the same step of another network, (B,): the mean over elements."""
        return ((self.mean - other.mean) ** 2 / (2 * self.std**2)).flatten(1).mean(1)
