"""Names that no rule speaks of."""

from hypothesis import given
from hypothesis import strategies as st

from smartdns.answering.check_names import answer_check_name
from smartdns.answering.knowledge import Knowledge
from smartdns.answering.local_names import LOCAL_ZONES, answer_locally
from smartdns.answering.loop_probe import SUFFIX, is_probe
from smartdns.answering.names import name_of
from smartdns.answering.names_with_rules import names_with_rules
from smartdns.answering.query import Name, Question
from smartdns.answering.steering import steer
from smartdns.contract.grants import Profile
from smartdns.resolver.common_query import read_common_query
from smartdns.resolver.short_cut import plan_for
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


def is_ordinary(name: Name, world: Knowledge) -> bool:
    """Say what the short cut finds out of a name that nothing was heard of."""
    question = read_common_query(bytes.fromhex("123401000001000000000000") + name + b"\0\1\0\1")
    plan = question and plan_for(bytes.fromhex("12340100"), question)
    return plan is not None and not world.cache.knows(plan, names_with_rules(world))


@given(names | below_known, st.sampled_from([1, 28, 65, 12, 16, 6]))
def test_no_rule_speaks_of_an_ordinary_name(name: Name, kind: int) -> None:
    """Where it says ordinary, each rule by itself lets the question pass."""
    world = knowledge()
    question = Question(name, kind, 1)
    if not is_ordinary(name, world):
        return
    assert answer_check_name(question, Profile(region="us"), world) is None
    assert answer_locally(question, world.switches) is None
    assert steer(query("a.example"), question, Profile(region="us"), world) is None
    assert not is_probe(question, bytes(16))


def test_most_names_are_ordinary_until_the_operator_says_otherwise() -> None:
    """A steered name is not, nor one below the page's; the root is left to the rules."""
    world = knowledge()
    name = name_of("www.example.org")
    assert is_ordinary(name, world)
    assert not is_ordinary(name_of("www.netflix.com"), world)
    assert not is_ordinary(Name(b"\0"), world)
    world.check_host = name_of("example.org")
    assert not is_ordinary(name, world)
