"""Writes prompts that are about two dimensions at once."""
