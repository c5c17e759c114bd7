"""Trade-offs across settings: curves of a knob through the plane of two dimensions, Pareto fronts, and conflicts along the knob."""
