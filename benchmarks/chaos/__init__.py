"""Faults: a run is broken in every way, and the next one ends as if nothing had been."""
