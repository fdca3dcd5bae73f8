"""Jobs: chains of calls that travel to workers, their stages and their memory."""
