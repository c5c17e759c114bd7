"""Preference optimisation over texts (TDPO): one picture, its true prompt against a corrupted one."""

import numpy as np
from torch import Tensor

from trig.backends.losses import dpo
from trig.backends.losses.batch import Batch


def loss(batch: Batch, rng: np.random.Generator) -> Tensor:
    """Diffusion-DPO with members that differ by their prompts: the true prompt explains the picture better than the corrupted one does."""
    return dpo.loss(batch, rng)
