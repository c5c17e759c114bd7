"""LoRA fine-tuning that repairs a model's weakest pair, by rejection sampling of its own pictures."""
