"""What is told of a run when it is over: a page for people, a trace for profilers, provenance.

`Chronicle` listens to the run; everything else here is a pure function of what it has heard.
"""
