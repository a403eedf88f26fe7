"""What a customer or operator can do; pages and commands call the same functions.

An action takes a Session and never commits. It refuses with a subclass of `errors.ActionRefused`,
whose text is shown to people. An action that changes which networks are let in, or how, marks them
as pending in the same transaction (`registry.pending`).
"""
