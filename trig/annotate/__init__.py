"""Prompt generation for pairs of dimensions."""
