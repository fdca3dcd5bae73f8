"""How a run is shown: a tally of its events, and the forms in which people and programs read it."""
