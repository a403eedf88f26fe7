"""The endpoints at which routers and secret links report the address of a home."""
