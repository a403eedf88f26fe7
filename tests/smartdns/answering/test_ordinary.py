"""Names that no rule speaks of."""

from hypothesis import given
from hypothesis import strategies as st

from smartdns.answering.check_names import answer_check_name
from smartdns.answering.local_names import LOCAL_ZONES, answer_locally
from smartdns.answering.loop_probe import SUFFIX, is_probe
from smartdns.answering.names import name_of
from smartdns.answering.ordinary import OrdinaryNames
from smartdns.answering.query import Name, Question
from smartdns.answering.steering import steer
from smartdns.contract.grants import Profile
from tests.smartdns.made import catalog, knowledge, query
from tests.smartdns.wire.strategies import names

KNOWN = (
    *LOCAL_ZONES,
    *catalog().entries(),
    SUFFIX,
    *map(name_of, ("check.dns.example.net", "lb._dns-sd._udp.example.com", "example.com")),
)
below_known = st.tuples(st.sampled_from(["", "x.", "a.b."]), st.sampled_from(sorted(KNOWN))).map(
    lambda parts: Name((name_of(parts[0])[:-1] if parts[0] else b"") + parts[1])
)


@given(names | below_known, st.sampled_from([1, 28, 65, 12, 16, 6]))
def test_no_rule_speaks_of_an_ordinary_name(name: Name, kind: int) -> None:
    """Where it says ordinary, each rule by itself lets the question pass."""
    world = knowledge()
    question = Question(name, kind, 1)
    if not OrdinaryNames().has(name, world):
        return
    assert answer_check_name(question, Profile(region="us"), world) is None
    assert answer_locally(question, world.switches) is None
    assert steer(query("a.example"), question, Profile(region="us"), world) is None
    assert not is_probe(question, bytes(16))


def test_most_names_are_ordinary_and_news_are_taken_in() -> None:
    """A name is ordinary until the operator says otherwise; the root is left to the rules."""
    ordinary, world = OrdinaryNames(), knowledge()
    name = name_of("www.example.org")
    assert ordinary.has(name, world)
    assert not ordinary.has(name_of("www.netflix.com"), world)
    assert not ordinary.has(Name(b"\0"), world)
    world.check_host = name_of("example.org")
    assert not ordinary.has(name, world)
