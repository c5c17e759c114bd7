"""Vocabulary of the paper: dimensions, tasks, pairs, relations."""
