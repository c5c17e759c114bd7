"""Policy gradients: pictures that an adapter in training paints, and what it learns from their rewards."""
