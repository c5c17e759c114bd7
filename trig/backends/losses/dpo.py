"""Direct preference optimisation for diffusion (Diffusion-DPO): the winner's error falls against the reference by more than the loser's."""

import numpy as np
from torch import Tensor

from trig.backends.losses.batch import Batch, denoising, preferred


def loss(batch: Batch, rng: np.random.Generator) -> Tensor:
    """-log sigmoid(-beta/2 · [(d_w - d_l) - (r_w - r_l)]), weighted; with soft labels the cross-entropy with them. d, r: errors of policy, reference."""
    reference, policy = denoising(batch, rng, batch.reference, batch.predict)
    better, worse = (policy - reference).unbind(1)
    return (batch.weights * preferred(-batch.beta / 2 * (better - worse), batch.labels)).mean()
