"""Processes: workers, what passes between them and their supervisor, and what they may not do."""
