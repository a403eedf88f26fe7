"""Registered addresses: `rules` says which are allowed, `slots` and `registrations` store them."""
