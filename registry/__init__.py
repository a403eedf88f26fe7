"""The control plane: it knows people and their addresses, and no queries.

Pages and commands call `actions`; an action stores, in its own transaction, which networks it
changed; `publishing` turns those into grants in Redis.
"""
