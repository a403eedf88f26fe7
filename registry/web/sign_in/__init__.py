"""Signing up, in and out, passwords and mailed links: Flask-Security, told what not to do."""
