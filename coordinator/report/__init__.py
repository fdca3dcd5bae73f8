"""What is told of a run when it is over: a page for people, a trace for profilers, provenance.

`History` listens to the run; everything else here is a pure function of what it has heard.
"""
