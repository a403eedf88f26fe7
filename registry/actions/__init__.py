"""What a customer or operator can do, one verb a file; pages and commands call the same.

An action takes a Session and never commits. What it does not do it refuses with a subclass of
`errors.Refused`, whose text is for people. Whatever changes which networks are let in, or how,
notes them in the same transaction (`registry.pending`).
"""
