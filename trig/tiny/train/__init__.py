"""Trains the tiny world's models. Each is a function of its parameters and a seed; a killed run goes on where it stopped."""
