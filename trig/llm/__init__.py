"""Chat endpoints that speak OpenAI's protocol: clients, retries, many questions at once."""
