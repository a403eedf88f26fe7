"""Root binds the ports, an ordinary user does the work."""

import os
import pwd

from smartdns.contract.configuration import SettingError


def become(user: str | None) -> None:
    """Give root's rights up for good; nothing to do where they are not ours."""
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
