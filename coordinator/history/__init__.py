"""The events of a run, added up once: display and report each add to it what only they need."""
