"""What is remembered between queries: answers, and the state of one question under way."""
