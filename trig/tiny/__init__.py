"""The tiny world: small pictures of simple things whose truth is known, and the models trained on it."""
