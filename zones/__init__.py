"""The catalogue: which names belong to which streaming service, and where it makes sense."""
