"""scipy.ndimage on many machines, bit for bit."""
