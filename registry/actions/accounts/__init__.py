"""Accounts: adding them one by one or from a table, suspending, exporting, deleting."""
