"""What to do where a real peer is not installed: say which package, and in CI fail."""

import os
import shutil
from typing import NoReturn

import pytest


def require_program(name: str, package: str) -> str:
    """Give the path of a program; without it the test is skipped by name, in CI it fails."""
    # Debian keeps servers in /usr/sbin, which is on few people's PATH.
    path = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    return path or missing(f"{name} is not installed: apt-get install {package}")


def missing(reason: str) -> NoReturn:
    """Skip with the reason, or fail where everything must be there."""
    if os.environ.get("CI"):
        pytest.fail(f"in CI a missing peer is a failure: {reason}", pytrace=False)
    pytest.skip(reason)
