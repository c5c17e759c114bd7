"""Provenance: the whole story of a picture, and whether the tables are what they claim."""
