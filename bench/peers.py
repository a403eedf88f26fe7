"""The servers that ours is compared with, set up alike (`bench.servers` says in what)."""

import shutil
from collections.abc import Sequence

from bench.load import HOST
from bench.processes import Measured
from bench.servers import NO_LIMIT, RELAY, Server, Setting, Start
from tests.peers.ports import free_port

DNSDIST, DNSDIST_BATCHES, UNBOUND = "dnsdist", "dnsdist, batches of 64", "unbound"


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
addAction(SuffixMatchNodeRule(steered), NegativeAndSOAAction(false, "{setting.suffixes[0]}", 60,
  "localhost.", "root.localhost.", 1, 60, 60, 60, 60))
newServer({{address="{HOST}:{setting.upstream}", healthCheckMode="up"}})
getPool(""):setCache(newPacketCache(300000))
""")
    command = ["dnsdist", "--supervised", "--disable-syslog", "-C", str(configuration)]
    name = "dnsdist" if batch == 1 else f"dnsdist, batches of {batch}"
    return Server(name, port, Measured(command, cores))


def start_unbound(setting: Setting, cores: str) -> Server:
    """Forwarding, without validation, as ours."""
    port = free_port()
    allowed = "\n".join(f"  access-control: {each}/32 allow" for each in setting.networks)
    steered = "\n".join(
        f'  local-zone: "{each}." redirect\n  local-data: "{each}. 60 A {RELAY}"\n'
        f'  local-data: "{each}. 60 SOA localhost. root.localhost. 1 60 60 60 60"'
        for each in setting.suffixes
    )
    tls_port, over_tls = free_port() if setting.certificate else None, ""
    if setting.certificate:
        over_tls = f"""
  interface: {HOST}@{tls_port}
  tls-port: {tls_port}
  tls-service-pem: "{setting.certificate.certificate}"
  tls-service-key: "{setting.certificate.key}"
"""
    configuration = setting.folder / "unbound.conf"
    configuration.write_text(f"""
server:
  interface: {HOST}@{port}
{over_tls}
  incoming-num-tcp: 100
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
  access-control: 127.0.0.0/8 refuse
{allowed}
{steered}
remote-control:
  control-enable: no
forward-zone:
  name: "."
  forward-addr: {HOST}@{setting.upstream}
""")
    process = Measured(["unbound", "-d", "-c", str(configuration)], cores)
    return Server("unbound", port, process, tls_port=tls_port)


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


PEERS: dict[str, tuple[str, Start]] = {
    DNSDIST: ("dnsdist", start_dnsdist),
    DNSDIST_BATCHES: ("dnsdist", lambda setting, cores: start_dnsdist(setting, cores, 64)),
    UNBOUND: ("unbound", start_unbound),
    "BIND": ("named", start_bind),
    "dnsmasq": ("dnsmasq", start_dnsmasq),
}
"""Name -> its program and how it is started."""


def installed_peers(names: Sequence[str] | None = None) -> list[Start]:
    """Those that this machine has, of `names` or of all."""
    path = "/usr/sbin:/usr/bin:/sbin:/bin"
    return [
        start
        for name, (program, start) in PEERS.items()
        if (names is None or name in names) and shutil.which(program, path=path)
    ]
