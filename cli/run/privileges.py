"""Giving up root's rights after the ports are bound."""

import os
import pwd

from smartdns.contract.configuration import SettingError


def become(user: str | None) -> None:
    """Become another user permanently; does nothing if this process is not root."""
    if user is None or os.geteuid() != 0:
        return
    try:
        entry = pwd.getpwnam(user)
    except KeyError:
        raise SettingError(f"MEDIASTREAMER_RUN_AS: there is no user {user}") from None
    os.initgroups(user, entry.pw_gid)
    os.setgid(entry.pw_gid)
    os.setuid(entry.pw_uid)
    os.environ["HOME"] = entry.pw_dir
