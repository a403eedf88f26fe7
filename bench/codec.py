"""What one message costs: our codec beside dnslib, `python -m bench.codec`.

Both take turns in one process, so only the ratios mean something. Each figure is the best of
`ROUNDS`. Rendering begins with values that are there, so dnslib's objects are made beforehand;
parsing ends with its objects. That both read the same in a message is asserted first.
"""

import struct
import time
from collections.abc import Callable
from typing import NamedTuple

from dnslib import DNSRecord

from smartdns.answering.names import name_of
from smartdns.answering.numbers import CNAME, NXDOMAIN, SOA, A
from smartdns.answering.plan import Forward, Record, Reply
from smartdns.answering.query import Name, Query, Question
from smartdns.answering.replies.sanitize import sanitize
from smartdns.answering.replies.upstream_reply import UpstreamReply
from smartdns.wire.queries import parse_query, render_query
from smartdns.wire.replies import parse_reply, render_reply

ROUNDS, CALLS = 200, 50
_LIMIT = 1232
_NAME, _CDN, _EDGE = map(name_of, ("www.video.example.com", "cdn.example.net", "a.cdn.example.net"))
_ZONE = name_of("example.com")
_ADDRESSES = tuple(Record(_NAME, A, 1, 300, bytes((192, 0, 2, n))) for n in range(1, 4))
_CHAIN = (
    Record(_NAME, CNAME, 1, 300, _CDN),
    Record(_CDN, CNAME, 1, 300, _EDGE),
    Record(_EDGE, A, 1, 60, b"\xc0\0\2\1"),
)
_SOA_DATA = name_of("ns1.example.com") + name_of("hostmaster.example.com") + bytes(19) + b"\x3c"
_REPLIES = {
    "one address": Reply(0, _ADDRESSES[:1]),
    "three addresses": Reply(0, _ADDRESSES),
    "two aliases and an address": Reply(0, _CHAIN),
    "NXDOMAIN with SOA": Reply(NXDOMAIN, (), (Record(_ZONE, SOA, 1, 600, _SOA_DATA),)),
}
_OPT = struct.Struct("!BHHIH")
_COOKIE = b"\0\x0a\0\x08client!!"


class Case(NamedTuple):
    """One thing to do, in two ways."""

    what: str
    ours: Callable[[], object]
    theirs: Callable[[], object] | None


def main() -> None:
    """Measure, and print a table."""
    cases = [*_queries(), *_replies()]
    best = measure(cases)
    print("| µs for one message, the best of many rounds | ours | dnslib | ratio |")
    print("|---|---|---|---|")
    for case in cases:
        ours, theirs = best[case.what, 0], best.get((case.what, 1))
        told = "| |" if theirs is None else f"| {theirs:.1f} | {theirs / ours:.0f} |"
        print(f"| {case.what} | {ours:.2f} {told}")


def measure(cases: list[Case]) -> dict[tuple[str, int], float]:
    """Give the least µs for a call of each, by its name and 0 for ours, 1 for theirs."""
    best: dict[tuple[str, int], float] = {}
    for _ in range(ROUNDS):
        for case in cases:
            for who, call in enumerate((case.ours, case.theirs)):
                if call is not None:
                    key = case.what, who
                    best[key] = min(best.get(key, float("inf")), _time(call))
    return best


def _time(call: Callable[[], object]) -> float:
    calls = range(CALLS)
    began = time.perf_counter()
    for _ in calls:
        call()
    return (time.perf_counter() - began) / CALLS * 1e6


def _queries() -> list[Case]:
    return [
        *(_parse_query(what, data) for what, data in _queries_sent().items()),
        _render_query(),
    ]


def _queries_sent() -> dict[str, bytes]:
    question = _NAME + b"\0\1\0\1"
    return {
        "plain": _header(0) + question,
        "with EDNS": _header(1) + question + _OPT.pack(0, 41, _LIMIT, 0, 0),
        "with a cookie": _header(1) + question + _OPT.pack(0, 41, _LIMIT, 0, 12) + _COOKIE,
    }


def _header(additional: int) -> bytes:
    return struct.pack("!6H", 0x4D53, 0x0100, 1, 0, 0, additional)


def _parse_query(what: str, data: bytes) -> Case:
    _read_alike(data)
    return Case(f"parse a query, {what}", lambda: parse_query(data), lambda: DNSRecord.parse(data))


def _render_query() -> Case:
    plan = Forward(Question(Name(_NAME), A, 1), dnssec_ok=False, checking_disabled=False)
    noise = int.from_bytes(b"\x20\0" * 127)

    def ours() -> bytes:
        return render_query(plan, b"MS", noise)

    theirs = _read_alike(ours())
    return Case("render a query to an upstream, mixed case", ours, theirs.pack)


def _replies() -> list[Case]:
    query = parse_query(_queries_sent()["with EDNS"])
    assert isinstance(query, Query)  # noqa: S101
    cases = []
    for what, reply in _REPLIES.items():
        cases += _reply_cases(what, query, reply)
    return cases


def _reply_cases(what: str, query: Query, reply: Reply) -> list[Case]:
    data = render_reply(query, reply, limit=_LIMIT)
    theirs = _read_alike(data)
    said, question = parse_reply(data), query.question
    assert isinstance(said, UpstreamReply)  # noqa: S101
    assert question is not None  # noqa: S101
    return [
        Case(
            f"render a reply, {what}",
            lambda: render_reply(query, reply, limit=_LIMIT),
            theirs.pack,
        ),
        Case(
            f"parse an upstream's reply, {what}",
            lambda: parse_reply(data),
            lambda: DNSRecord.parse(data),
        ),
        Case(f"sanitize it, {what}", lambda: sanitize(question, said, dnssec_ok=False), None),
    ]


def _read_alike(data: bytes) -> DNSRecord:
    """Give what dnslib reads in `data`; what it makes of that means the same to us."""
    read = DNSRecord.parse(data)
    again = bytes(read.pack())
    assert (parse_query(data), parse_reply(data)) == (parse_query(again), parse_reply(again))  # noqa: S101
    return read


if __name__ == "__main__":
    main()
