"""The database: `engine` opens it, `schema` keeps it at this version, `erasure` empties its files.

An action takes a Session and never commits; its caller says where the transaction ends:

    with sessions.begin() as session:
        register_address(session, …)

On SQLite such a transaction holds the one write lock from its start (BEGIN IMMEDIATE), so two
never meet halfway; what only reads uses `make_readers`.
"""
