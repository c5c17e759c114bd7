"""Tiny world: 64×64 scenes with known ground truth, and the models trained on them."""

HELD_OUT = 1000
"""Held-out requests: the painter is never trained on their prompts."""
