"""Registered addresses: `rules` says which may be, `slots` and `registrations` hold them."""
