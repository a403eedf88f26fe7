"""Updaters keep an address up to date: a router or link with a token, or a DDNS host name."""
