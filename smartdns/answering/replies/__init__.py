"""Upstreams' replies, checked and completed; and our own records."""
