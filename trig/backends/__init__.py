"""The only modules that import torch, diffusers, transformers and peft. Each holds one model behind a Protocol."""
