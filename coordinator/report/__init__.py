"""Files about a run that is over: a page for people, a trace for profilers, provenance.

`Recorder` listens to the run; everything else here is a pure function of it.
"""
