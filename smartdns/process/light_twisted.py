"""Twisted without its TLS, for processes that need none: 7 MiB and a twentieth of a second less."""

import sys


def leave_tls_out() -> None:
    """Let Twisted find no pyOpenSSL, as on a machine that has none; before it is imported.

    Where it is imported already, this does nothing.
    """
    # Python takes None for "there is no such module".
    sys.modules.setdefault("OpenSSL", None)  # type: ignore[arg-type]
