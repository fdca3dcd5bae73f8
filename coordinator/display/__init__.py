"""Display of a run while it lasts: live on a terminal, as lines, as JSON, in a notebook."""
