"""The control plane: it knows people and their addresses, but never sees a query.

Pages and commands call `actions`. In the same transaction an action stores which networks it has
changed, and `publishing` turns these into grants in Redis.
"""
