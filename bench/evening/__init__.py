"""An evening's mixed queries at a steady rate, against ours and others: `make bench-evening`."""
