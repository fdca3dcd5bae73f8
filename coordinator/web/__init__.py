"""A page on loopback that shows a run, or a fleet, while it lasts.

`live_page` serves it; `run_page` and `fleet_page` are what it shows; the parts are the report's.
"""
