"""Fixed probe blocks by which a kernel proves that it has SciPy's bits."""
