"""The http engine: a fleet of workers over HTTP."""
