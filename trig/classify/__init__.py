"""Classifies the trade-off between two dimensions from their scores, and builds the Dimension Trade-off Map."""
