"""What a run that was cut short leaves behind, and how the next one believes it.

records   the journal as text: pure
seals     the two digests that a finished tile is known by
file      the journal on the disk
resume    comparing an unfinished run with the one that is wanted, and checking its tiles
"""
