"""Lists that other people keep -> services of ours.

Each format's file turns text into `Listed` and `LeftOut`; `gather` turns those into a Service
and drops nothing without saying so. `formats` knows which format a file is in.
"""
