"""Repairs the weakest pair that has enough good pictures: choose it, choose pictures that are good at both, and train an adapter on them."""
