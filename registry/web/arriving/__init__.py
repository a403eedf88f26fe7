"""What is determined about a request before a page sees it: its sender, and how often it asks."""
