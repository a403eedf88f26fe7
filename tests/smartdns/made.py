"""Values for tests of the decision: a small world, and queries and replies to put into it."""

import struct
from dataclasses import dataclass, field
from types import MappingProxyType

from smartdns.answering.answer import answer
from smartdns.answering.concluding import conclude
from smartdns.answering.knowledge import Knowledge, RelayAddresses, Switches
from smartdns.answering.memory.cache import Cache
from smartdns.answering.names import name_of
from smartdns.answering.plan import Forward, Plan, Record, Silence
from smartdns.answering.query import Edns, Query, Question, Source, Transport
from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.answering.rules.cookies import Cookie, check_cookie
from smartdns.contract.grants import Profile
from smartdns.wire.queries import Malformed, parse_query, render_formerr
from smartdns.wire.replies import render_reply, size_limit
from zones.catalog import Catalog, Region, Service

HOME = bytes((203, 0, 113, 7))
STRANGER = bytes((198, 51, 100, 9))
US, GB = RelayAddresses((b"\x05\0\0\1",), (bytes(15) + b"\5",)), RelayAddresses((b"\x06\0\0\1",))
A, AAAA, TXT, HTTPS, ANY = 1, 28, 16, 65, 255
NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED = range(6)
NOW, DAY = 1_000.0, 740_000
EDNS = Edns(1232)
SECRET, WALL_S = bytes(range(16)), 1_800_000_000


@dataclass
class Few:
    """An allowlist of single addresses."""

    grants: dict[bytes, Profile] = field(default_factory=lambda: {HOME: Profile(region="us")})
    loaded: bool = True

    def lookup(self, address: bytes, day: int) -> Profile | None:
        profile = self.grants.get(address)
        return profile if profile is not None and profile.holds_on(day) else None

    def lookup_network(self, address: bytes, day: int) -> tuple[Profile, int] | None:
        profile = self.lookup(address, day)
        return None if profile is None else (profile, 8 * len(address))


def decide(
    query: Query,
    source: Source,
    known: Knowledge,
    now: float,
    day: int,
    cookie: Cookie | None = None,
) -> Plan:
    """Look the source up, then decide: what every listener does."""
    return answer(query, source, known.allowlist.lookup(source.address, day), known, now, cookie)


def catalog() -> Catalog:
    """Two services: netflix in two regions, iplayer in one, with a name of its own left out."""
    netflix = Service("netflix", "Netflix", ("us", "gb"), suffixes=("netflix.com",))
    iplayer = Service("iplayer", "iPlayer", ("gb",), names=("www.bbc.co.uk",))
    return Catalog(
        MappingProxyType({"netflix": netflix, "iplayer": iplayer}),
        MappingProxyType({"us": Region("us", "United States"), "gb": Region("gb", "Britain")}),
        _suffixes={name_of("netflix.com"): netflix},
        _names={name_of("www.bbc.co.uk"): iplayer},
        _never=frozenset({name_of("help.netflix.com")}),
    )


def knowledge(profile: Profile | None = None, **changes: object) -> Knowledge:
    """A resolver that lets `HOME` in and has a relay in each of two regions."""
    few = Few() if profile is None else Few({HOME: profile})
    values: dict[str, object] = {
        "allowlist": few,
        "catalog": catalog(),
        "relays": {"us": US, "gb": GB},
        "cache": Cache(1_000_000),
        "cookie_secret": SECRET,
        "check_host": name_of("check.dns.example.net"),
        "check_addresses": RelayAddresses((b"\x07\0\0\1",)),
        "switches": Switches(),
    }
    return Knowledge(**(values | changes))  # type: ignore[arg-type]


def question(name: str, kind: int = A, klass: int = 1) -> Question:
    """Ask for a plain name."""
    return Question(name_of(name), kind, klass)


def query(name: str, kind: int = A, edns: Edns | None = EDNS, **changes: object) -> Query:
    """A query as a stub resolver sends it."""
    asked = question(name, kind, changes.pop("klass", 1))  # type: ignore[arg-type]
    values: dict[str, object] = {
        "id": 7,
        "opcode": 0,
        "recursion_desired": True,
        "checking_disabled": False,
        "authentic_data": False,
        "question": asked,
        "question_wire": asked.name + struct.pack("!HH", kind, asked.klass),
        "edns": edns,
    }
    return Query(**(values | changes))  # type: ignore[arg-type]


def source(address: bytes = HOME, port: int = 5353, transport: Transport = "udp") -> Source:
    """Where a query came from, by default the registered home."""
    return Source(address, port, transport)


def record(name: str, kind: int, data: bytes, ttl: int = 300) -> Record:
    """One record of class IN."""
    return Record(name_of(name), kind, 1, ttl, data)


def soa_record(name: str, ttl: int = 600, minimum: int = 300) -> Record:
    """A SOA with the minimum that bounds a negative answer."""
    times = struct.pack("!IIIII", 1, 2, 3, 4, minimum)
    return record(name, 6, name_of("ns." + name) + name_of("admin." + name) + times, ttl)


def said(
    asked: Question, *answer: Record, rcode: int = NOERROR, **changes: object
) -> UpstreamReply:
    """What an upstream replied to `asked`."""
    values: dict[str, object] = {
        "id": 1,
        "opcode": 0,
        "rcode": rcode,
        "truncated": False,
        "authentic_data": False,
        "question": asked,
        "question_wire": asked.name + struct.pack("!HH", asked.type, asked.klass),
        "answer": answer,
        "authority": (),
    }
    return UpstreamReply(**(values | changes))  # type: ignore[arg-type]


def react(packet: bytes, known: Knowledge, where: Source) -> bytes | None:
    """Carry a packet through parser, decision and rendering; whatever is forwarded gets SERVFAIL.

    None is silence.
    """
    query_ = parse_query(packet)
    if query_ is None:
        return None
    if isinstance(query_, Malformed):
        return render_formerr(query_)
    cookie = check_cookie(query_, where.address, SECRET, WALL_S)
    plan = decide(query_, where, known, NOW, DAY, cookie)
    if isinstance(plan, Silence):
        return None
    if isinstance(plan, Forward):
        plan = conclude(plan, None, known, NOW)
    limit = size_limit(query_, where.transport)
    options = () if cookie is None else (cookie.option,)
    return render_reply(query_, plan, limit=limit, options=options)
