"""OpenAI-compatible chat endpoints: clients, retries, load balancing."""
