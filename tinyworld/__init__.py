"""The tiny world: small pictures of simple things whose truth is known, and the models trained on it."""

HELD_OUT = 1000
"""Plain requests whose prompts stand in no lesson of the painter."""
