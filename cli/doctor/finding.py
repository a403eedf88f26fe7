"""A finding of the doctor: a fault with a fixed name, and how to correct it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One fault."""

    name: str
    """Words joined by hyphens; it never changes, so scripts can use it."""
    what: str
    remedy: str
    grave: bool = True
    """False: it may be intended; the exit status stays 0."""
