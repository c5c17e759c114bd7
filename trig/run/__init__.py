"""Shared by stages and commands: error handling, locks, progress bars, tables, process pool, code fingerprints."""
