"""A page on loopback that shows a run, or a fleet, while it lasts; its parts are the report's."""
