"""The decision: what to do with a query, without any I/O.

`query` is what came in, `plan` what to do about it, `answer` the way from one to the other,
in order, on one screen. Everything here is a pure function of its arguments; `now` is seconds
of a monotonic clock, `day` a UTC day's ordinal.
"""
