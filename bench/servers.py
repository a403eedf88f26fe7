"""The servers: ours as it is installed, and those it is compared with, set up alike.

All: one worker; the same access list, everybody else REFUSED; the same steered suffixes; a limit
for each client that is on and above the load; the same upstream; a cache that holds all names.
"""

import ipaddress
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import HOST
from bench.processes import Measured
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


@dataclass
class Server:
    """One of them, running."""

    name: str
    port: int
    process: Measured
    steers: bool = True
    refuses: bool = True
    start_s: float = 0.0


def clients(count: int) -> list[str]:
    """Addresses of an access list: those of the load, then others."""
    first = int(ipaddress.IPv4Address("127.0.2.0"))
    ours = [str(ipaddress.IPv4Address(first + i)) for i in range(512)]
    others = int(ipaddress.IPv4Address("100.0.0.0"))
    return ours + [str(ipaddress.IPv4Address(others + 7 * i)) for i in range(count - len(ours))]


def start_ours(
    setting: Setting, cores: str, *, workers: int = 1, busy: bool = False, fast: bool = True
) -> Server:
    """`mediastreamer resolver`; with `busy` its worker alone, beside which the reactor has work."""
    port = free_port()
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
    product = [str(Path(sys.executable).with_name("mediastreamer")), "resolver"]
    command = [sys.executable, "-m", "bench.busy_resolver"] if busy else product
    name = "ours, busy reactor" if busy else "ours" if fast else "ours, plain path"
    return Server(name, port, Measured(command, cores, environment))


def start_floor(setting: Setting, cores: str) -> Server:
    """What receiving and sending in batches costs at the least."""
    port = free_port()
    command = [str(setting.binaries["floor"]), HOST, str(port)]
    return Server("C floor", port, Measured(command, cores), steers=False, refuses=False)


def start_dnsdist(setting: Setting, cores: str, batch: int = 1) -> Server:
    """As Debian has it, or in batches."""
    port = free_port()
    masks = setting.folder / "masks.lua"
    masks.write_text(
        "allowed = newNMG()\nfor _, each in ipairs({"
        + ",".join(f'"{each}"' for each in setting.networks)
        + "}) do allowed:addMask(each) end\n"
    )
    suffixes = "\n".join(f'steered:add(newDNSName("{each}"))' for each in setting.suffixes)
    configuration = setting.folder / f"dnsdist-{batch}.conf"
    configuration.write_text(f"""
setSecurityPollSuffix("")
setVerboseHealthChecks(false)
setUDPMultipleMessagesVectorSize({batch})
addLocal("{HOST}:{port}")
setACL({{"0.0.0.0/0"}})
dofile("{masks}")
addAction(NotRule(NetmaskGroupRule(allowed)), RCodeAction(DNSRCode.REFUSED))
addAction(MaxQPSIPRule({NO_LIMIT}), TCAction())
steered = newSuffixMatchNode()
{suffixes}
addAction(AndRule({{SuffixMatchNodeRule(steered), QTypeRule(DNSQType.A)}}), SpoofAction("{RELAY}"))
newServer({{address="{HOST}:{setting.upstream}", healthCheckMode="up"}})
getPool(""):setCache(newPacketCache(100000))
""")
    command = ["dnsdist", "--supervised", "--disable-syslog", "-C", str(configuration)]
    name = "dnsdist" if batch == 1 else f"dnsdist, batches of {batch}"
    return Server(name, port, Measured(command, cores))


def start_unbound(setting: Setting, cores: str) -> Server:
    """Forwarding, without validation, as ours."""
    port = free_port()
    allowed = "\n".join(f"  access-control: {each}/32 allow" for each in setting.networks)
    steered = "\n".join(
        f'  local-zone: "{each}." redirect\n  local-data: "{each}. 60 A {RELAY}"'
        for each in setting.suffixes
    )
    configuration = setting.folder / "unbound.conf"
    configuration.write_text(f"""
server:
  interface: {HOST}@{port}
  num-threads: 1
  username: ""
  chroot: ""
  directory: "{setting.folder}"
  pidfile: ""
  use-syslog: no
  logfile: ""
  module-config: "iterator"
  do-not-query-localhost: no
  do-ip6: no
  msg-cache-size: 64m
  rrset-cache-size: 64m
  ip-ratelimit: {NO_LIMIT}
  access-control: 0.0.0.0/0 refuse
{allowed}
{steered}
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: {HOST}@{setting.upstream}
""")
    return Server("unbound", port, Measured(["unbound", "-d", "-c", str(configuration)], cores))


def start_bind(setting: Setting, cores: str) -> Server:
    """Forwarding, steering by a policy zone.

    Its rate limit, of replies alike, ends at 1,000 a second, below the load: it is off.
    """
    port = free_port()
    records = "\n".join(
        f"{name} 60 A {RELAY}" for each in setting.suffixes for name in (each, f"*.{each}")
    )
    policy = setting.folder / "policy.zone"
    policy.write_text(
        f"$TTL 60\n@ SOA localhost. root.localhost. 1 60 60 60 60\n@ NS localhost.\n{records}\n"
    )
    allowed = "".join(f"{each}; " for each in setting.networks)
    configuration = setting.folder / "named.conf"
    configuration.write_text(f"""
acl allowed {{ {allowed} }};
controls {{ }};
options {{
  directory "{setting.folder}"; pid-file none; session-keyfile none; lock-file none;
  listen-on port {port} {{ {HOST}; }}; listen-on-v6 {{ none; }};
  recursion yes; allow-query {{ allowed; }}; allow-query-cache {{ allowed; }};
  allow-recursion {{ allowed; }};
  forward only; forwarders port {setting.upstream} {{ {HOST}; }};
  dnssec-validation no; empty-zones-enable no; minimal-responses yes; max-cache-size 64m;
  response-policy {{ zone "policy"; }} break-dnssec yes qname-wait-recurse no;
}};
zone "policy" {{ type primary; file "{policy}"; allow-query {{ none; }}; }};
logging {{ category default {{ null; }}; }};
""")
    command = ["named", "-f", "-n", "1", "-c", str(configuration)]
    return Server("BIND", port, Measured(command, cores))


def start_dnsmasq(setting: Setting, cores: str) -> Server:
    """It has no list of addresses to let in, and no limit for each client: it need do less."""
    port = free_port()
    steered = [f"--address=/{each}/{RELAY}" for each in setting.suffixes]
    command = [
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts",
        f"--port={port}", f"--listen-address={HOST}", "--bind-interfaces", "--user=", "--pid-file=",
        f"--server={HOST}#{setting.upstream}", "--cache-size=50000", "--dns-forward-max=2000",
        *steered,
    ]  # fmt: skip
    return Server("dnsmasq", port, Measured(command, cores), refuses=False)


PEERS: dict[str, tuple[str, Callable[[Setting, str], Server]]] = {
    "dnsdist": ("dnsdist", start_dnsdist),
    "dnsdist, batches of 64": ("dnsdist", lambda s, cores: start_dnsdist(s, cores, 64)),
    "unbound": ("unbound", start_unbound),
    "BIND": ("named", start_bind),
    "dnsmasq": ("dnsmasq", start_dnsmasq),
}
"""Name -> its program and how it is started."""


def installed_peers(
    names: Sequence[str] | None = None,
) -> list[Callable[[Setting, str], Server]]:
    """Those that this machine has, of `names` or of all."""
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    return [
        start
        for name, (program, start) in PEERS.items()
        if (names is None or name in names) and shutil.which(program, path=path)
    ]
