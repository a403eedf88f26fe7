"""Signing up, in and out, passwords and mailed links: Flask-Security and our changes to it."""
