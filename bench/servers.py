"""The servers: ours as it is installed, and those it is compared with, set up alike.

All: one worker; the same access list, everybody else REFUSED; the same steered suffixes; a limit
for each client that is on and above the load; the same upstream; a cache that holds all names.
"""

import ipaddress
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.builds import Installed
from bench.load import HOST
from bench.processes import Measured
from tests.peers.certificates import CertificatePair
from tests.peers.ports import free_port

RELAY = "127.0.0.80"
NO_LIMIT = 10_000_000


@dataclass(frozen=True)
class Setting:
    """What all servers have in common."""

    folder: Path
    upstream: int
    """Port."""
    networks: Sequence[str]
    suffixes: Sequence[str]
    redis_url: str = ""
    binaries: dict[str, Path] = field(default_factory=dict)
    certificate: CertificatePair | None = None
    """With one, they take queries over TLS as well."""


@dataclass
class Server:
    """One of them, running."""

    name: str
    port: int
    process: Measured
    steers: bool = True
    refuses: bool = True
    start_s: float = 0.0
    metrics: int | None = None
    """Port where it counts what became of queries."""
    tls_port: int | None = None


Start = Callable[[Setting, str], Server]
"""Starts a server on cores, which are given as taskset takes them."""


def clients(count: int) -> list[str]:
    """Addresses of an access list: those of the load, then others."""
    first = int(ipaddress.IPv4Address("127.0.2.0"))
    ours = [str(ipaddress.IPv4Address(first + i)) for i in range(512)]
    others = int(ipaddress.IPv4Address("100.0.0.0"))
    return ours + [str(ipaddress.IPv4Address(others + 7 * i)) for i in range(count - len(ours))]


def start_ours(
    setting: Setting,
    cores: str,
    installed: Installed | None = None,
    *,
    workers: int = 1,
    busy: bool = False,
    fast: bool = True,
) -> Server:
    """`mediastreamer resolver`; with `busy` its worker alone, beside which the reactor has work."""
    port = free_port()
    installed = installed or Installed()
    metrics = free_port() if installed.metrics else None
    tls_port = free_port() if setting.certificate else None
    state = setting.folder / f"state-{port}"
    environment = {
        "MEDIASTREAMER_STATE": str(state),
        "MEDIASTREAMER_REDIS_URL": setting.redis_url,
        "MEDIASTREAMER_DNS_LISTEN": f"{HOST}:{port}",
        "MEDIASTREAMER_UPSTREAMS": f"{HOST}:{setting.upstream}",
        "MEDIASTREAMER_RELAY_ADDRESSES": f"*={RELAY}",
        "MEDIASTREAMER_CLIENT_RATE": str(NO_LIMIT),
        "MEDIASTREAMER_REFUSED_RATE": str(NO_LIMIT),
        "MEDIASTREAMER_RELAY_CHECK_PORT": "0",
        "MEDIASTREAMER_WORKERS": str(workers),
        "MEDIASTREAMER_FAST_PATH": str(int(fast)),
    }
    if metrics:
        environment["MEDIASTREAMER_METRICS"] = f"{HOST}:{metrics}"
    if setting.certificate:
        environment["MEDIASTREAMER_DNS_TLS_LISTEN"] = f"{HOST}:{tls_port}"
        environment["MEDIASTREAMER_DNS_CERTIFICATE"] = str(setting.certificate.certificate)
        environment["MEDIASTREAMER_DNS_KEY"] = str(setting.certificate.key)
    product = [str(installed.program), "resolver"]
    command = [sys.executable, "-m", "bench.resolver.busy_worker"] if busy else product
    name = "ours, busy reactor" if busy else installed.label if fast else "ours, plain path"
    process = Measured(command, cores, environment)
    return Server(name, port, process, metrics=metrics, tls_port=tls_port)


def start_floor(setting: Setting, cores: str) -> Server:
    """What receiving and sending in batches costs at the least."""
    port = free_port()
    command = [str(setting.binaries["floor"]), HOST, str(port)]
    return Server("C floor", port, Measured(command, cores), steers=False, refuses=False)
