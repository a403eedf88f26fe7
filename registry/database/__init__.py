"""The database: `engine` opens it, `schema` upgrades it, `erasure` overwrites deleted rows.

An action takes a Session and never commits; its caller decides where the transaction ends:

    with sessions.begin() as session:
        register_address(session, …)

On SQLite such a transaction takes the write lock at its start (BEGIN IMMEDIATE), so that two of
them never deadlock. Code that only reads uses `make_readers`.
"""
