"""Jobs: chains of calls that are sent to workers, their stages and their memory."""
