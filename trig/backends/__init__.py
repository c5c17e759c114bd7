"""Model backends, each behind a Protocol: the only modules that import torch, diffusers, transformers and peft."""
