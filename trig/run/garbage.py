"""How often Python looks for reference cycles."""

import gc

OBJECTS = 50_000
"""New containers between two looks; Python's own is 700."""


def seldom() -> None:
    """Called before a program imports what it needs: torch and diffusers make a million objects, none of them garbage; looking takes a fifth of the time."""
    gc.set_threshold(OBJECTS)
