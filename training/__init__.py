"""Trains the tiny world's models: its stages are frozen in `training/dvc.yaml`, which says how to thaw them; hours on two cores."""
