"""Statistics that classify, compare and report share."""
