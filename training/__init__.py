"""Trains the tiny world's models: `dvc repro -f` in this folder, hours on two cores, minutes on a GPU."""
