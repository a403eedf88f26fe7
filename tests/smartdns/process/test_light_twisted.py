"""Twisted without TLS."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.processes


def modules_after(code: str) -> str:
    """Say which of the libraries for TLS a process has loaded after some code."""
    code += "\nprint(sorted({'cryptography', 'service_identity'} & set(sys.modules)))"
    return subprocess.check_output([sys.executable, "-c", f"import sys\n{code}"], text=True)


def test_nothing_of_tls_is_loaded() -> None:
    """Twisted takes it for a machine that has no pyOpenSSL, and its reactor works."""
    code = (
        "from smartdns.process.light_twisted import leave_tls_out\nleave_tls_out()\n"
        "from smartdns.process.event_loop import install_reactor\nr = install_reactor()\n"
        "r.callWhenRunning(r.stop)\nr.run()"
    )
    assert modules_after(code) == "[]\n"


def test_it_is_too_late_where_tls_is_loaded() -> None:
    """What is there stays, so a process that needs it keeps it."""
    code = (
        "import OpenSSL\nfrom smartdns.process.light_twisted import leave_tls_out\n"
        "leave_tls_out()\nassert sys.modules['OpenSSL'] is OpenSSL"
    )
    assert "cryptography" in modules_after(code)
