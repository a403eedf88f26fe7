"""The relays that are compared, each started in front of the same origin."""

import contextlib
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench.relay_load import DOMAIN

OURS = "ours"
HAPROXY, HAPROXY_SPLICE, HAPROXY_SPLICE_1M = "haproxy", "haproxy splice", "haproxy splice 1 MiB"
PACKAGES = {"haproxy": "haproxy", "nginx": "nginx libnginx-mod-stream", "sniproxy": "sniproxy"}

_HAPROXY = """
global
  maxconn 9650
  maxpipes 140
  {global_}
defaults
  mode tcp
  timeout connect 5s
  timeout client 600s
  timeout server 600s
  {defaults}
frontend clients
  bind 127.0.0.1:{port}
  tcp-request inspect-delay 5s
  tcp-request content accept if {{ req.ssl_hello_type 1 }}
  use_backend origin if {{ req.ssl_sni -m end {domain} }}
backend origin
  server origin 127.0.0.1:{origin}
"""
_NGINX = """
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off; worker_processes 1; worker_rlimit_nofile 20000; pid {directory}/nginx.pid;
error_log /dev/null;
events {{ worker_connections 19900; }}
stream {{
  map $ssl_preread_server_name $origin {{ hostnames; *.{domain} 127.0.0.1:{origin}; }}
  server {{ listen 127.0.0.1:{port} backlog=4096; ssl_preread on; proxy_pass $origin; }}
}}
"""
_SNIPROXY = """
user root
pidfile {directory}/sniproxy.pid
listener 127.0.0.1:{port} {{
  proto tls
  table origins
}}
table origins {{
  .*\\.film\\.example 127.0.0.1:{origin}
}}
"""


@dataclass
class Peer:
    """A relay that runs, in one process or several."""

    name: str
    port: int
    process: subprocess.Popen[bytes] = field(repr=False)

    def pids(self) -> list[int]:
        """Give its process and all below it."""
        found = [self.process.pid]
        for pid in found:
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                found += map(int, children.read_text().split())
        return found

    def cpu_seconds(self) -> float:
        """CPU time of all threads of all its processes so far."""
        total = 0
        for pid in self.pids():
            for thread in Path(f"/proc/{pid}/task").glob("*/schedstat"):
                total += int(thread.read_text().split()[0])
        return total / 1e9

    def memory(self) -> int:
        """Octets of memory that are its own (proportional set size)."""
        total = 0
        for pid in self.pids():
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += next(int(line.split()[1]) for line in rollup.splitlines() if "Pss:" in line)
        return total * 1024


def free_port() -> int:
    """Give a free port of loopback."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@contextlib.contextmanager
def running(command: list[str], port: int, core: int) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server on one core until the block ends, once its port accepts."""
    process = subprocess.Popen(
        ["taskset", "--cpu-list", str(core), *command],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        _await(port, process, command[0])
        yield process
    finally:
        process.kill()
        process.wait()


def _await(port: int, process: subprocess.Popen[bytes], name: str) -> None:
    for _ in range(600):
        if process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.05)
    raise SystemExit(f"{name} does not accept connections")


def commands(origin: int, directory: Path) -> dict[str, tuple[int, list[str]]]:
    """Give the port and the command of every relay that is installed."""
    python = [sys.executable, "-m"]
    found: dict[str, tuple[int, list[str]]] = {}

    def add(name: str, program: str, template: str, **values: str) -> None:
        if (path := _program(program)) is None:
            print(f"left out, not installed: {name} (apt-get install {PACKAGES[program]})")
            return
        port = free_port()
        file = directory / f"{name.replace(' ', '-')}.conf"
        file.write_text(
            template.format(port=port, origin=origin, domain=DOMAIN, directory=directory, **values)
        )
        options = {"haproxy": ["-f"], "nginx": ["-c"], "sniproxy": ["-f", "-c"]}[program]
        found[name] = port, [path, *options, str(file)]

    port = free_port()
    found[OURS] = port, [*python, "bench.relay_ours", str(port), str(origin)]
    splice = "option splice-response"
    add(HAPROXY, "haproxy", _HAPROXY, global_="", defaults="")
    add(HAPROXY_SPLICE, "haproxy", _HAPROXY, global_="", defaults=splice)
    pipes = "tune.pipesize 1048576"
    add(HAPROXY_SPLICE_1M, "haproxy", _HAPROXY, global_=pipes, defaults=splice)
    add("nginx", "nginx", _NGINX)
    add("sniproxy", "sniproxy", _SNIPROXY)
    port = free_port()
    found["portforward"] = port, [*python, "bench.relay_portforward", str(port), str(origin)]
    return found


def _program(name: str) -> str | None:
    return shutil.which(name, path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin")
