"""Forecasts of a run: its stages, tiles, memory and time."""
