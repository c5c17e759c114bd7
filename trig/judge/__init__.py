"""Judges pictures: one grade per picture and dimension, read off the judge's own probabilities."""
