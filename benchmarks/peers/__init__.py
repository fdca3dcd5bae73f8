"""Others that do the same; each imports its library on first use."""
