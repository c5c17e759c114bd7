"""Trains the tiny world's models: its stages are frozen in `dvc.yaml`, which says how to thaw them; hours on two cores."""
