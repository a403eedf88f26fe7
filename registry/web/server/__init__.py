"""The Flask application and the HTTP server, and what is the same for every response."""
