"""Repairs the weakest pair of a map: choose it, choose pictures that are good at both, and train an adapter on them."""
