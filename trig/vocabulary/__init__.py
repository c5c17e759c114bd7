"""The terms of the method: dimensions, tasks, pairs, relations."""
