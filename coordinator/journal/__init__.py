"""The journal of a run: what one that was cut short leaves, and what the next one believes of it.

records   the journal as text: pure
seals     the two digests that a finished tile is known by
file      the journal on the disk
resume    comparing an unfinished run with the one that is wanted, and checking its tiles
"""
