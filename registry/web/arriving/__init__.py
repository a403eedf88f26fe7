"""What is settled about a request before a page sees it: who sends it, and how often."""
