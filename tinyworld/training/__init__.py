"""Training of the tiny world's models. The stages in `dvc.yaml` are frozen (it says how to thaw them); hours on two cores."""
