"""Rules: which queries are answered here, refused, limited or steered, and how."""
