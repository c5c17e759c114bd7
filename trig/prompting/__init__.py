"""Prompting with the map: prompts rewritten by the relation of their own pair, tuned on train prompts; and best-of-N, its control."""
