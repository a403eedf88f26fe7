"""What the registry writes and the data plane reads; the standard library and nothing else.

A `Grant` lets one network in and says in which region each streaming service is wanted there.
It carries no identity and no time but the last whole UTC day on which it holds.
"""
