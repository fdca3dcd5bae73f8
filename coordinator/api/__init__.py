"""The Python API: fleets, and functions with the signatures of `scipy.ndimage`."""
