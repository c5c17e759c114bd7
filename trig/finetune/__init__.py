"""LoRA fine-tuning that repairs a model's weakest pair, on lessons that a policy chooses among its own judged pictures."""
