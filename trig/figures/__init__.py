"""Figures of pictures that no judge has a say in: weight-free ones of each, and the diversity of a prompt's."""
