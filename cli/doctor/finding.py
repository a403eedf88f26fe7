"""What the doctor finds: a fault with a name that stays the same, and how to mend it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """One fault."""

    name: str
    """Words joined by hyphens; scripts and tests may rely on it."""
    what: str
    remedy: str
    grave: bool = True
    """False: it may be meant so; the exit status stays 0."""
