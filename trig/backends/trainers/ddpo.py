"""Denoising diffusion policy optimisation (DDPO): the policy gradient of flow-grpo over the stochastic steps of DDIM, for networks that predict noise."""

from trig.backends.trainers.flow_grpo import Grpo


class Ddpo(Grpo):
    """As flow-grpo: groups of pictures, advantages within them, the clipped ratio. Its family says what a step is, and how likely."""
