"""`python -m benchmarks` measures what the project promises and prints each figure beside its bar."""
