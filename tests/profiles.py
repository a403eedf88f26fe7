"""How many examples hypothesis tries: few while somebody waits, as many as a test asks for in CI.

HYPOTHESIS_PROFILE names the profile, `dev` by default. A test that wants another number than the
usual one says `@settings(max_examples=examples(200))`, so that the profile scales it.
"""

import os

from hypothesis import settings

CI, DEV = "ci", "dev"
USUAL = 100
"""What hypothesis tries of a test that names no number."""
_SHARE = {CI: 1.0, DEV: 0.2}
_FEWEST = 5


def load_profile() -> None:
    """Register both profiles and load the one that is asked for.

    Neither has a deadline: an example that is slow on a busy machine is not wrong.
    """
    for name in _SHARE:
        settings.register_profile(
            name, deadline=None, max_examples=examples(USUAL, name), print_blob=True
        )
    settings.load_profile(_chosen())


def examples(number: int, profile: str | None = None) -> int:
    """Give the profile's share of a number of examples, and never fewer than five."""
    return max(_FEWEST, round(number * _SHARE[profile or _chosen()]))


def _chosen() -> str:
    name = os.environ.get("HYPOTHESIS_PROFILE", DEV)
    if name not in _SHARE:
        raise ValueError(f"HYPOTHESIS_PROFILE={name}: there are {', '.join(_SHARE)}")
    return name
