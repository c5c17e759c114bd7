"""Parts of `benchmarks.gpu`. They import torch, diffusers, transformers, peft and pillow, and nothing else, so that a bare machine runs them."""
