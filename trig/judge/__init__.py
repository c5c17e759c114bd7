"""Judges pictures: one grade per picture and dimension, read off the judge's own probabilities."""

from trig.judge.labels import labels
from trig.judge.rating import Rating, rate
from trig.judge.rubrics import rubric, rubrics

__all__ = ["Rating", "labels", "rate", "rubric", "rubrics"]
