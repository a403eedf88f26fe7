"""What upstreams said, judged and completed; and records of our own."""
