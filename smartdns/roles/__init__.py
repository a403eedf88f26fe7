"""Composition: settings and sockets become the services of one worker."""
