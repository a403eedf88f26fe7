"""The Flask application and the HTTP server, with what holds for every reply."""
