"""The pages of an account holder, and those that are open to everybody."""
