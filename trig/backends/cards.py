"""Names of the cards that a stage writes into a folder of what it made for a model."""

TUNING = "tuning.json"
"""Of a fine-tuned adapter: base model, target pairs, training settings."""
PROMPTING = "prompting.json"
"""Of rewritten prompts: base model, recipes per pair, pictures spent."""
