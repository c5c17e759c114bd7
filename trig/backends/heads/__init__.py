"""Linear heads beside a CLIP model."""
