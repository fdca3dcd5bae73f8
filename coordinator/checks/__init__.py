"""Comparison of results: with SciPy computed again, and of one array with another."""
