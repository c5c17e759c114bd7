"""Names the relation that the scores of two dimensions show, and groups relations into the map."""
