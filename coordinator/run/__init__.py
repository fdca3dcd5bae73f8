"""One run, from the request to the committed output."""
