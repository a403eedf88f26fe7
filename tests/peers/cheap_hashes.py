"""Passwords hashed at no price: argon2 takes 0.16 s of a processor each time, on purpose."""

import functools
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest import mock

from argon2 import PasswordHasher

from registry.web.sign_in import configure

_COST = {"time_cost": 1, "memory_cost": 1024, "parallelism": 1}


def cheap_hashes() -> ExitStack:
    """Give a context in which commands and pages hash so; all else about a hash stays."""
    patches = ExitStack()
    hasher = PasswordHasher(**_COST)
    patches.enter_context(mock.patch("registry.actions.sign_in._HASHER", hasher))
    settings = _with_cost(configure._security_settings)
    patches.enter_context(mock.patch.object(configure, "_security_settings", settings))
    return patches


def _with_cost(settings: Callable[..., dict[str, Any]]) -> Callable[..., dict[str, Any]]:
    options = {f"argon2__{name}": value for name, value in _COST.items()}

    @functools.wraps(settings)
    def given(**arguments: Any) -> dict[str, Any]:
        return settings(**arguments) | {"SECURITY_PASSWORD_HASH_PASSLIB_OPTIONS": options}

    return given
