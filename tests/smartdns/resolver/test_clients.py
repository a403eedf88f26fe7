"""Real stub resolvers and forwarders in front of us."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dns.message
import dns.query
import dns.rcode
import pytest
from twisted.internet.threads import deferToThread

from tests.peers.dnsmasq import Dnsmasq
from tests.peers.missing import missing
from tests.peers.name_server import NameServer
from tests.peers.unbound import Unbound
from tests.smartdns.resolver.laboratory import RELAY, Laboratory, run


async def test_drill(resolver: Laboratory) -> None:
    """Drill of ldns, with DNSSEC asked for."""
    said = await run(
        "drill", "ldnsutils", "-D", "-p", str(resolver.port), "www.netflix.com", "@127.0.0.1"
    )
    assert f"www.netflix.com.\t60\tIN\tA\t{RELAY}" in said


GLIBC = """
import socket, sys
for name in sys.argv[1:]:
    try:
        found = socket.getaddrinfo(name, 443, type=socket.SOCK_STREAM)
        print(name, *(sockaddr[0] for *_, sockaddr in found))
    except socket.gaierror as error:
        print(name, error.errno == socket.EAI_NONAME)
"""


async def test_glibc(name_server: NameServer, tmp_path: Path) -> None:
    """The C library's own stub asks A and AAAA at once, and takes what we say."""
    if os.geteuid() != 0:
        missing("port 53 and a resolv.conf of one's own: only root has them")
    resolver = Laboratory(name_server.port, listen=("127.53.53.53:53",))
    (tmp_path / "resolv.conf").write_text("nameserver 127.53.53.53\noptions timeout:2\n")
    inside = (
        f"mount --bind {tmp_path / 'resolv.conf'} /etc/resolv.conf && "
        f'exec {sys.executable} -c "$0" "$@"'
    )
    names = ("www.netflix.com", "alias.example.com", "nowhere.example.com")
    ended = await deferToThread(
        subprocess.run,
        ["unshare", "-m", "sh", "-c", inside, GLIBC, *names],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    await resolver.stop()
    lines = dict(line.split(" ", 1) for line in ended.stdout.splitlines())
    assert lines["www.netflix.com"] == RELAY
    assert set(lines["alias.example.com"].split()) == {"198.51.100.1", "2001:db8::1"}
    assert lines["nowhere.example.com"] == "True"


async def test_c_ares(resolver: Laboratory) -> None:
    """c-ares, inside Node and many a TV, through its own interface."""
    script = Path(__file__).with_name("c_ares.py")
    names = ("www.netflix.com", "alias.example.com", "huge.example.com", "nowhere.example.com")
    ended = await deferToThread(
        subprocess.run,
        [sys.executable, str(script), str(resolver.port), *names],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if "libcares" in ended.stderr:
        missing("c-ares is not installed: apt-get install libc-ares2")
    assert ended.stdout.splitlines() == [RELAY, "198.51.100.1", "no data", "no such name"]


@pytest.fixture(params=[Dnsmasq, Unbound])
def forwarding(
    request: pytest.FixtureRequest, resolver: Laboratory, tmp_path: Path
) -> Iterator[Dnsmasq | Unbound]:
    """A home's own forwarder, which asks us."""
    forwarding = request.param(resolver.port)
    yield forwarding
    forwarding.kill()


async def test_a_forwarder_of_the_home_in_front_of_us(forwarding: Dnsmasq | Unbound) -> None:
    """What a router or a Pi-hole gets from us it gives on: steered, chained, absent, large."""
    await deferToThread(forwarding.start)

    def ask(name: str, kind: str = "A") -> dns.message.Message:
        query = dns.message.make_query(name, kind, use_edns=0, payload=1232)
        reply, _ = dns.query.udp_with_fallback(query, "127.0.0.1", port=forwarding.port, timeout=60)
        return reply

    steered = await deferToThread(ask, "www.netflix.com")
    assert [str(data) for data in steered.answer[0]] == [RELAY]
    no_data = await deferToThread(ask, "www.netflix.com", "HTTPS")
    assert (no_data.rcode(), no_data.answer) == (dns.rcode.NOERROR, [])
    assert len((await deferToThread(ask, "alias.example.com")).answer) == 4
    assert (await deferToThread(ask, "nowhere.example.com")).rcode() == dns.rcode.NXDOMAIN
    assert len((await deferToThread(ask, "huge.example.com", "TXT")).answer[0]) == 60
