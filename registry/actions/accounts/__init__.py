"""Accounts: added one by one or from a table, suspended, exported, deleted."""
